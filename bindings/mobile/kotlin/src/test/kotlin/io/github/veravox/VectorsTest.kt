package io.github.veravox

import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.io.path.readBytes
import kotlin.math.roundToInt

/** The library says here what the core says, of every file. */
class VectorsTest {
    private val detector = Detector()

    @Test
    fun `every file has the report, or the error, that it has in Rust`() {
        assertTrue(Expected.files.size > 100)
        assertTrue(Expected.files.count { it.maybe("report") != null } > 30)
        for (file in Expected.files) {
            try {
                val report = detector.scanFile(Expected.path(file.text("path")).toString(), file.raw())
                assertReport(file.report(), report)
            } catch (error: VeravoxException) {
                assertEquals(file.maybe("error")?.jsonPrimitive?.content, error.kind(), "${file.text("path")}: ${error.message}")
                assertTrue(error.message!!.isNotEmpty())
            } catch (different: AssertionError) {
                throw AssertionError("${file.text("path")}: ${different.message}", different)
            }
        }
    }

    @Test
    fun `bytes are scored like the file that they came from`() =
        runBlocking {
            for (file in Expected.files.filter { it.isToldByItsBytes() }.take(12)) {
                val path = Expected.path(file.text("path"))
                val report = detector.scan(path, file.raw())
                assertReport(file.report(), report)
                val bytes = path.readBytes()
                assertEquals(report, detector.scan(bytes, file.raw()))
            }
        }

    @Test
    fun `a leg that is pushed packet by packet has the events that it has in Rust`() {
        for (of in Expected.streams) {
            val samples = samples(of.text("path"), of.number("leg"))
            val whole = ShortArray(samples.size) { (samples[it] * 32_768).roundToInt().toShort() }
            val direct = direct(whole)
            val ways: List<(Stream, Int, Int) -> List<Event>> =
                listOf(
                    { stream, from, n -> stream.push(whole, from, n) },
                    { stream, from, n -> stream.push(samples, from, n) },
                    { stream, from, n -> stream.push(ShortArray(n) { whole[from + it] }) },
                    { stream, from, n -> stream.push(direct.duplicate().position(2 * from).limit(2 * (from + n))) },
                    { stream, from, n -> stream.pushPcm16(direct.duplicate().position(2 * from).limit(2 * (from + n))) },
                    { stream, from, n -> stream.push(ByteArray(2 * n) { direct[2 * from + it] }) },
                )
            for (push in ways) {
                detector.stream(8_000).use { stream ->
                    val events = whole.indices.step(PACKET).flatMap { push(stream, it, minOf(PACKET, whole.size - it)) }
                    assertAll(of.list("events"), events, ::assertEvent)
                    assertLeg(of.getValue("verdict").jsonObject, stream.finish())
                }
            }
        }
    }

    @Test
    fun `a site's calibration holds here too`() {
        val text = Expected.calibration.text("text")
        val file = Expected.calibration.getValue("file").jsonObject
        Detector(calibration = text).use { site ->
            val report = site.scanFile(Expected.path(file.text("path")).toString())
            assertReport(file.report(), report)
            assertTrue(report.legs[0].peopleAbove!! in 0.0..1.0)
            assertNull(detector.scanFile(Expected.path(file.text("path")).toString()).calibration)
        }
        assertTrue(
            Detector(calibration = text, targetFalseAlarm = 0.1).thresholds(8_000).syntheticLlr <
                detector.thresholds(8_000).syntheticLlr + 9,
        )
    }

    @Test
    fun `thresholds can be one's own`() {
        assertEquals(Thresholds(0.01, 7.0, -7.0), Detector(prior = 0.01, syntheticLlr = 7.0, bonafideLlr = -7.0).thresholds(8_000))
    }

    private fun JsonObject.report() = getValue("report").jsonObject

    /** Bytes have no extension, by which a file without a header may be known. */
    private fun JsonObject.isToldByItsBytes(): Boolean {
        if (maybe("report") == null) return false
        val audio = report().getValue("audio").jsonObject
        return audio.text("container") != "raw" || maybe("raw") != null
    }

    private fun JsonObject.raw() = maybe("raw")?.let { RawFormat(encodings.getValue(it.jsonPrimitive.content), 8_000) }

    private val encodings = mapOf("Alaw" to RawEncoding.ALAW, "Mulaw" to RawEncoding.MULAW, "PcmS16Le" to RawEncoding.PCM_S16_LE)

    private fun direct(samples: ShortArray): ByteBuffer =
        ByteBuffer.allocateDirect(2 * samples.size).order(ByteOrder.LITTLE_ENDIAN).also { it.asShortBuffer().put(samples) }

    private companion object {
        const val PACKET = 160
    }
}

/** The samples of a leg. */
fun samples(
    name: String,
    leg: Int,
): FloatArray =
    Recording.open(Expected.path(name).toString()).use { recording ->
        generateSequence { recording.next() }
            .flatMap { legs ->
                ByteBuffer.wrap(legs[leg]).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().let { floats ->
                    List(floats.remaining()) { floats[it] }
                }
            }.toList()
            .toFloatArray()
    }
