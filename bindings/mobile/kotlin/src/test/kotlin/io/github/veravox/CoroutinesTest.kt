package io.github.veravox

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.asFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.flowOf
import kotlinx.coroutines.flow.last
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.nio.file.Files
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.measureTime

class CoroutinesTest {
    private val detector = Detector()
    private val call = Expected.path("calls/03-bank-card.alaw.wav")

    /** What the core says of the call, heard live. */
    private val expected = Expected.streams.first()

    @Test
    fun `a recording is watched at the speed of the call`() {
        val clip = Expected.path("formats/clip.mulaw.wav")
        runBlocking {
            lateinit var events: List<Event>
            val taken = measureTime { events = withTimeout(20.seconds) { detector.watch(clip).toList() } }
            assertTrue(events.last() is Event.Ended)
            // The clip lasts 1.8 s.
            assertTrue(taken > 1_790.milliseconds, "$taken")
        }
    }

    @Test
    fun `watching tells what a stream tells, and ends with the verdict`() =
        runBlocking {
            val events = detector.watch(call, pace = false).toList()
            assertAll(expected.list("events"), events.dropLast(1), ::assertEvent)
            assertLeg(expected.getValue("verdict").jsonObject, (events.last() as Event.Ended).leg)
            assertEquals(events, detector.watch(packets(), 8_000).toList())
            assertEquals(
                detector.scan(call).legs[0].windows,
                (detector.watch(call, pace = false, live = false).toList().last() as Event.Ended).leg.windows,
            )
        }

    @Test
    fun `who has heard enough stops listening`() =
        runBlocking {
            val verdict = detector.watch(packets(), 8_000).first { it is Event.Verdict && it.verdict.stage == Stage.FIRM }
            val decision = (verdict as Event.Verdict).verdict.decision
            assertEquals(expected.getValue("verdict").jsonObject.text("decision"), decision.name.lowercase())
        }

    @Test
    fun `a leg that is not there is refused, and so is a file`() {
        assertThrows(VeravoxException.InvalidArgument::class.java) { runBlocking { detector.watch(call, leg = 1).toList() } }
        assertThrows(VeravoxException.InvalidArgument::class.java) { runBlocking { detector.watch(call, leg = -1).toList() } }
        assertThrows(
            VeravoxException.NotFound::class.java,
        ) { runBlocking { detector.watch(call.resolveSibling("none.wav")).toList() } }
        assertThrows(VeravoxException.LimitExceeded::class.java) { runBlocking { detector.watch(packets(), 10).toList() } }
    }

    @Test
    fun `a coroutine that is cancelled amid a push ends, and harms nothing`() =
        runBlocking {
            val once = samples("calls/03-bank-card.alaw.wav", 0)
            val minutes = ShortArray(8_000 * 600) { (once[it % once.size] * 32_768).toInt().toShort() }
            val undisturbed =
                detector.stream(8_000).use { stream ->
                    stream.push(minutes)
                    stream.finish()
                }
            detector.stream(8_000).use { stream ->
                val begun = CompletableDeferred<Unit>()
                val pushing =
                    launch(Dispatchers.Default) {
                        begun.complete(Unit)
                        stream.push(minutes)
                        ensureActive()
                        throw AssertionError("it was not cancelled amid the push")
                    }
                begun.await()
                delay(20.milliseconds)
                pushing.cancelAndJoin()
                // The push was made whole, and the stream is as good as ever.
                assertEquals(undisturbed, stream.finish())
            }
            // The flow's own stream goes with its collector: amid a push, and while it waits for the next packet.
            assertNull(withTimeoutOrNull(20.milliseconds) { detector.watch(flowOf(minutes), 8_000).toList() })
            assertNull(withTimeoutOrNull(60.milliseconds) { detector.watch(call).toList() })
            assertLeg(expected.getValue("verdict").jsonObject, (detector.watch(call, pace = false).last() as Event.Ended).leg)
        }

    @Test
    fun `a scan that is cancelled ends within a moment`() =
        runBlocking {
            val speech = Files.readAllBytes(Expected.path("formats/clip.8000hz.alaw.raw"))
            val hour = ByteArray(8_000 * 3_600) { speech[it % speech.size] }
            val raw = RawFormat(RawEncoding.ALAW, 8_000)
            val taken =
                measureTime {
                    val scan = async(Dispatchers.Default) { detector.scan(hour, raw) }
                    delay(100.milliseconds)
                    scan.cancel()
                    assertThrows(CancellationException::class.java) { runBlocking { scan.await() } }
                    scan.join()
                }
            assertTrue(taken < 2.seconds, "$taken")
        }

    @Test
    fun `the library's own way to stop is an error of its own`() {
        Cancellation().use { cancellation ->
            cancellation.cancel()
            assertTrue(cancellation.isCancelled())
            assertThrows(VeravoxException.Cancelled::class.java) { detector.scanFile(call.toString(), cancellation = cancellation) }
        }
    }

    @Test
    fun `many coroutines share a detector`() =
        runBlocking {
            val reports = List(16) { async(Dispatchers.Default) { detector.scan(call) } }.awaitAll()
            assertEquals(1, reports.toSet().size)
        }

    private fun packets(): Flow<ShortArray> {
        val samples = samples("calls/03-bank-card.alaw.wav", 0)
        return samples.toList().chunked(160).asFlow().map { packet ->
            ShortArray(packet.size) { (packet[it] * 32_768).toInt().toShort() }
        }
    }
}
