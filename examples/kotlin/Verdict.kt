// The verdict on each leg of a recording: mvn compile exec:java -Dexec.args=call.wav

import io.github.veravox.Detector
import io.github.veravox.scan
import kotlin.io.path.Path

suspend fun main(arguments: Array<String>) {
    val report = Detector().use { it.scan(Path(arguments[0])) }
    for (leg in report.legs) {
        println("leg ${leg.leg}: ${leg.decision}, llr ${leg.llr}, ${leg.speechSeconds} s of speech ${leg.reasons}")
    }
}
