// swift-tools-version: 6.0
import PackageDescription

// The native library is made from the sources beside this folder. On Linux it is linked as it lies in cargo's target folder, whose
// place the command line tells (see test.sh); on Apple's systems it comes in an XCFramework, which xcframework.sh makes.
#if os(Linux)
let native: [Target] = [.systemLibrary(name: "veravoxFFI", path: "Sources/veravoxFFI")]
let linked: [LinkerSetting] = [.linkedLibrary("veravox_mobile")]
#else
let native: [Target] = [.binaryTarget(name: "veravoxFFI", path: "build/veravoxFFI.xcframework")]
let linked: [LinkerSetting] = []
#endif

let targets: [Target] = [
    .target(name: "Veravox", dependencies: ["veravoxFFI"], linkerSettings: linked),
    .executableTarget(name: "VerdictExample", dependencies: ["Veravox"], path: "Examples/Verdict"),
    .testTarget(name: "VeravoxTests", dependencies: ["Veravox"]),
]

let package = Package(
    name: "Veravox",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [
        .library(name: "Veravox", targets: ["Veravox"])
    ],
    targets: native + targets,
    swiftLanguageModes: [.v6]
)
