import Veravox

let detector = try Detector()
let report = try await detector.scan(path: CommandLine.arguments[1])
for leg in report.legs {
    switch leg.decision {
    case .synthetic: print("leg \(leg.leg): a machine, llr \(leg.llr ?? 0)")
    case .bonafide: print("leg \(leg.leg): a person, llr \(leg.llr ?? 0)")
    case .inconclusive: print("leg \(leg.leg): cannot tell: \(leg.reasons)")
    }
}
