package io.github.veravox

import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.nio.ByteBuffer
import java.util.concurrent.ExecutionException
import java.util.concurrent.Future
import java.util.concurrent.FutureTask
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread

/** Whatever is done to it, errors have a type and the process lives. */
class BadInputTest {
    private val detector = Detector()
    private val call = samples("calls/03-bank-card.alaw.wav", 0)

    @Test
    fun `what is closed says so, however often it is closed`() {
        val other = Detector()
        val stream = other.stream(8_000)
        repeat(2) { stream.close() }
        assertThrows(IllegalStateException::class.java) { stream.push(ShortArray(160)) }
        assertThrows(IllegalStateException::class.java) { stream.verdict() }
        assertThrows(IllegalStateException::class.java) { stream.finish() }
        other.stream(8_000).use { still ->
            other.close()
            // A stream has what it needs of its detector.
            still.push(call)
            assertVerdict(still.finish())
        }
        assertThrows(IllegalStateException::class.java) { other.stream(8_000) }
        assertThrows(IllegalStateException::class.java) { other.scanFile("call.wav") }
        val recording = Recording.open(Expected.path("calls/03-bank-card.alaw.wav").toString())
        recording.close()
        assertThrows(IllegalStateException::class.java) { recording.next() }
        val cancellation = Cancellation()
        cancellation.close()
        assertThrows(IllegalStateException::class.java) { cancellation.cancel() }
        assertThrows(IllegalStateException::class.java) { detector.scanFile("call.wav", cancellation = cancellation) }
    }

    @Test
    fun `a stream that is finished is over`() {
        detector.stream(8_000).use { stream ->
            stream.push(call)
            stream.finish()
            for (late in listOf<() -> Unit>({
                stream.push(ShortArray(160))
            }, { stream.hold() }, { stream.lost(1) }, { stream.verdict() }, { stream.finish() })) {
                val error = assertThrows(VeravoxException.InvalidArgument::class.java) { late() }
                assertTrue("is over" in error.message!!, error.message)
            }
        }
    }

    @Test
    fun `several threads take turns`() {
        detector.stream(8_000).use { stream ->
            val pushing = List(4) { n -> elsewhere { repeat(50) { stream.push(call, (n * 50 + it) * 400, 400) } } }
            pushing.forEach { it.get(60, TimeUnit.SECONDS) }
            assertTrue(stream.finish().speechSeconds > 5)
        }
    }

    @Test
    fun `closing while another thread pushes harms neither`() {
        repeat(20) { n ->
            val stream = detector.stream(8_000)
            val pushing = elsewhere { while (true) stream.push(call, 0, 4_000) }
            Thread.sleep(n.toLong())
            stream.close()
            val ended = assertThrows(ExecutionException::class.java) { pushing.get(60, TimeUnit.SECONDS) }
            val closed = assertInstanceOf(IllegalStateException::class.java, ended.cause)
            assertTrue("destroyed" in closed.message!!, closed.message)
        }
    }

    @Test
    fun `threads that finish at once have one verdict`() {
        detector.stream(8_000).use { stream ->
            stream.push(call)
            val finishing = List(4) { elsewhere { runCatching { stream.finish() } } }
            val (ended, late) = finishing.map { it.get(60, TimeUnit.SECONDS) }.partition { it.isSuccess }
            assertVerdict(ended.single().getOrThrow())
            late.forEach { assertInstanceOf(VeravoxException.InvalidArgument::class.java, it.exceptionOrNull()) }
        }
    }

    @Test
    fun `rates that cannot be are refused`() {
        for (rate in listOf(-8_000, -1, 0, 1, 3_999, 384_001, Int.MAX_VALUE)) {
            val error = assertThrows(VeravoxException::class.java) { detector.stream(rate) }
            assertTrue(
                error is VeravoxException.LimitExceeded || (error is VeravoxException.InvalidArgument && rate < 0),
                "$rate: $error",
            )
        }
        detector.stream(8_000).use { stream ->
            assertThrows(VeravoxException.LimitExceeded::class.java) { stream.changeRate(1) }
            // The stream goes on at its old rate.
            stream.push(call)
            assertVerdict(stream.finish())
        }
        val raw = RawFormat(RawEncoding.MULAW, 8_000, 0)
        assertThrows(VeravoxException.InvalidArgument::class.java) { detector.scanBytes(ByteArray(9), raw) }
    }

    @Test
    fun `buffers may be empty, and must hold whole samples`() {
        detector.stream(8_000).use { stream ->
            assertEquals(emptyList<Event>(), stream.push(ShortArray(0)))
            assertEquals(emptyList<Event>(), stream.push(FloatArray(0)))
            assertEquals(emptyList<Event>(), stream.push(ByteArray(0)))
            assertEquals(emptyList<Event>(), stream.push(ByteBuffer.allocateDirect(0)))
            assertEquals(emptyList<Event>(), stream.push(ByteBuffer.allocateDirect(8).position(8)))
            assertThrows(VeravoxException.InvalidArgument::class.java) { stream.push(ByteArray(3)) }
            assertThrows(VeravoxException.InvalidArgument::class.java) { stream.push(ByteBuffer.allocateDirect(7)) }
            assertThrows(IllegalArgumentException::class.java) { stream.pushPcm16(ByteBuffer.allocate(8)) }
            assertThrows(IndexOutOfBoundsException::class.java) { stream.push(ShortArray(8), 4, 8) }
            assertThrows(RuntimeException::class.java) { stream.push(ShortArray(8), 9) }
            assertThrows(VeravoxException.InvalidArgument::class.java) { stream.lost(-1) }
            assertThrows(VeravoxException.InvalidArgument::class.java) { stream.silence(Long.MIN_VALUE) }
            assertEquals(listOf(Reason.NO_SIGNAL, Reason.TOO_LITTLE_SPEECH), stream.finish().reasons)
        }
        assertThrows(VeravoxException.UnsupportedAudio::class.java) { detector.scanBytes(ByteArray(0)) }
    }

    @Test
    fun `what is no number counts as silence and spoils the verdict`() {
        detector.stream(8_000).use { stream ->
            stream.push(FloatArray(16_000) { Float.NaN })
            stream.push(FloatArray(16_000) { if (it % 2 == 0) Float.POSITIVE_INFINITY else Float.NEGATIVE_INFINITY })
            stream.push(FloatArray(16_000) { 1e30f })
            val leg = stream.finish()
            assertEquals(Decision.INCONCLUSIVE, leg.decision)
            assertTrue(Reason.INVALID_SAMPLES in leg.reasons)
        }
    }

    @Test
    fun `a hole as long as can be told is borne`() {
        detector.stream(8_000).use { stream ->
            repeat(3) {
                stream.push(call)
                stream.lost(Long.MAX_VALUE)
                stream.silence(Long.MAX_VALUE)
                stream.hold()
                stream.resume()
            }
            assertTrue(stream.finish().interruptions.lostSeconds > 1e15)
        }
    }

    @Test
    fun `settings that cannot be are refused`() {
        assertThrows(VeravoxException.NotFound::class.java) { Detector(model = "telegraph") }
        assertThrows(VeravoxException.InvalidArgument::class.java) { Detector(prior = 1.0) }
        assertThrows(VeravoxException.InvalidArgument::class.java) { Detector(syntheticLlr = Double.NaN) }
        assertThrows(VeravoxException.InvalidArgument::class.java) { Detector(syntheticLlr = -9.0, bonafideLlr = 9.0) }
        assertThrows(VeravoxException::class.java) { Detector(calibration = "{}") }
        assertThrows(VeravoxException.InvalidArgument::class.java) { Detector(targetFalseAlarm = 0.1) }
        assertThrows(VeravoxException.InvalidArgument::class.java) { detector.stream(8_000, updateSeconds = 0.0) }
        assertThrows(VeravoxException.InvalidArgument::class.java) { detector.stream(8_000, maxWindowsKept = -1) }
        assertThrows(VeravoxException.NotFound::class.java) { detector.scanFile("no such call.wav") }
        assertThrows(VeravoxException.InvalidArgument::class.java) { detector.scanFile(".") }
        // The built-in runtime is in use by now, and stays.
        assertThrows(VeravoxException.Runtime::class.java) { useOnnxruntime("libonnxruntime.so") }
    }

    /** What the core says of the call. */
    private fun assertVerdict(leg: LegVerdict) {
        val live = Expected.streams.first()
        assertLeg(live.getValue("verdict").jsonObject, leg)
    }

    /** Work in a thread of its own; what it throws is not lost. */
    private fun <T> elsewhere(work: () -> T): Future<T> = FutureTask(work).also { thread(block = it::run) }
}
