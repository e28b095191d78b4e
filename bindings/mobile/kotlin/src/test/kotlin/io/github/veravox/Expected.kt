package io.github.veravox

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.double
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import java.nio.file.Path
import kotlin.io.path.readText

/** Largest difference of two llrs that are the same. */
const val TOLERANCE = 1e-5

/** What the core says of `testdata/`; `examples/expected.rs` writes it before the tests. */
object Expected {
    private val whole = Json.parseToJsonElement(Path.of(System.getProperty("veravox.expected")).readText()).jsonObject
    private val testdata = Path.of(whole.text("testdata"))

    val files = whole.list("files")
    val streams = whole.list("streams")
    val calibration = whole.getValue("calibration").jsonObject

    fun path(name: String): Path = testdata.resolve(name)
}

fun JsonObject.text(name: String): String = getValue(name).jsonPrimitive.content

fun JsonObject.list(name: String): List<JsonObject> = getValue(name).jsonArray.map { it.jsonObject }

fun JsonObject.number(name: String): Int = getValue(name).jsonPrimitive.int

/** Nothing where it is null, or not there. */
fun JsonObject.maybe(name: String): JsonElement? = get(name)?.takeUnless { it is JsonNull }

fun assertReport(
    expected: JsonObject,
    report: CallReport,
) {
    val model = expected.getValue("model").jsonObject
    assertEquals(
        listOf(model.text("name"), model.text("version"), model.text("sha256")),
        report.model.run {
            listOf(name, version, sha256)
        },
    )
    assertEquals(expected.text("runtime"), report.runtime)
    assertNumber(expected.getValue("thresholds").jsonObject["synthetic_llr"], report.thresholds.syntheticLlr)
    assertNumber(expected.getValue("thresholds").jsonObject["bonafide_llr"], report.thresholds.bonafideLlr)
    assertEquals(expected.maybe("calibration")?.jsonObject?.text("digest"), report.calibration?.digest)
    val audio = expected.getValue("audio").jsonObject
    assertEquals(
        listOf(audio.text("container"), audio.text("codec"), audio.number("sample_rate_hz"), audio.number("channels")),
        report.audio.run { listOf(container, codec, sampleRateHz, channels) },
    )
    assertNumber(audio["duration_seconds"], report.audio.durationSeconds)
    assertEquals(expected.getValue("warnings").jsonArray.map { it.jsonPrimitive.content }, report.warnings)
    assertAll(expected.list("legs"), report.legs, ::assertLeg)
}

fun assertLeg(
    expected: JsonObject,
    leg: LegVerdict,
) {
    assertEquals(expected.number("leg"), leg.leg)
    assertFound(expected, leg.stage, leg.decision, leg.reasons)
    assertNumber(expected["llr"], leg.llr)
    assertNumber(expected["probability"], leg.probability)
    assertNumber(expected["people_above"], leg.peopleAbove)
    assertNumber(expected["speech_seconds"], leg.speechSeconds)
    assertNumber(expected["firm_at_seconds"], leg.firmAtSeconds)
    assertAll(expected.list("windows"), leg.windows, ::assertWindow)
    assertAll(expected.list("segments"), leg.segments) { of, segment ->
        assertNumber(of["start_seconds"], segment.startSeconds)
        assertNumber(of["end_seconds"], segment.endSeconds)
        assertNumber(of["llr"], segment.llr)
    }
    assertAll(expected.list("changes"), leg.changes) { of, change ->
        assertNumber(of["at_seconds"], change.atSeconds)
        assertEquals(of.text("decision"), change.decision.inReports())
    }
    val missing = expected.getValue("interruptions").jsonObject
    assertNumber(missing["lost_seconds"], leg.interruptions.lostSeconds)
    assertNumber(missing["held_seconds"], leg.interruptions.heldSeconds)
    assertEquals(missing.getValue("shed_windows").jsonPrimitive.long, leg.interruptions.shedWindows)
    assertEquals(missing.getValue("replaced_windows").jsonPrimitive.long, leg.interruptions.replacedWindows)
    assertEquals(expected.getValue("notes").jsonArray.map { it.jsonPrimitive.content }, leg.notes)
}

fun assertEvent(
    expected: JsonObject,
    event: Event,
) {
    when (event) {
        is Event.Window -> {
            assertEquals("window", expected.text("event"))
            assertWindow(expected, event.window)
        }

        is Event.Verdict -> {
            assertEquals("verdict", expected.text("event"))
            assertFound(expected, event.verdict.stage, event.verdict.decision, event.verdict.reasons)
            assertNumber(expected["llr"], event.verdict.llr)
            assertNumber(expected["probability"], event.verdict.probability)
            assertNumber(expected["speech_seconds"], event.verdict.speechSeconds)
        }

        is Event.Ended -> {
            throw AssertionError("a stream tells no end by itself")
        }
    }
}

fun <T> assertAll(
    expected: List<JsonObject>,
    found: List<T>,
    same: (JsonObject, T) -> Unit,
) {
    assertEquals(expected.size, found.size)
    expected.zip(found).forEach { (of, it) -> same(of, it) }
}

/** The name of its kind, as it stands in reports. */
fun VeravoxException.kind(): String =
    this::class
        .simpleName
        .orEmpty()
        .replace(Regex("(?<=.)(?=[A-Z])"), "_")
        .lowercase()

private fun assertFound(
    expected: JsonObject,
    stage: Stage,
    decision: Decision,
    reasons: List<Reason>,
) {
    assertEquals(expected.text("stage"), stage.inReports())
    assertEquals(expected.text("decision"), decision.inReports())
    assertEquals((expected.getValue("reasons") as JsonArray).map { it.jsonPrimitive.content }, reasons.map { it.inReports() })
}

private fun assertWindow(
    expected: JsonObject,
    window: WindowReport,
) {
    assertNumber(expected["start_seconds"], window.startSeconds)
    assertNumber(expected["end_seconds"], window.endSeconds)
    assertNumber(expected["llr"], window.llr)
    assertNumber(expected["fresh_share"], window.freshShare)
    assertEquals(expected.maybe("reason")?.jsonPrimitive?.content, window.reason?.inReports())
}

private fun assertNumber(
    expected: JsonElement?,
    found: Double?,
) {
    when (expected) {
        null, JsonNull -> assertNull(found)
        else -> assertEquals(expected.jsonPrimitive.double, found!!, TOLERANCE)
    }
}

private fun Enum<*>.inReports() = name.lowercase()
