package io.github.veravox

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOn
import java.nio.file.Path
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/**
 * Watches one leg of a call to its end: the events of [chunks], 16-bit samples in arrays of any size, and [Event.Ended] last.
 *
 * Each collector has a stream of its own, which goes when the collector does, cancelled or not.
 *
 * @param sampleRateHz samples a second, 4,000 to 384,000.
 * @param live for a call that goes on; otherwise it is scored as a scan does.
 */
public fun Detector.watch(
    chunks: Flow<ShortArray>,
    sampleRateHz: Int,
    live: Boolean = true,
    dispatcher: CoroutineDispatcher = Dispatchers.Default,
): Flow<Event> =
    flow {
        stream(sampleRateHz, live).use { stream ->
            chunks.collect { chunk -> stream.push(chunk).forEach { emit(it) } }
            emit(Event.Ended(stream.finish()))
        }
    }.flowOn(dispatcher)

/**
 * Watches one leg of a recording as if the call went on now: in pieces of 20 ms, at the pace of the call or, where [pace] is false,
 * as fast as they are scored. [Event.Ended] comes last.
 *
 * @param leg which leg, from 0: the channel.
 * @param raw what the audio is, where the file has no header.
 */
public fun Detector.watch(
    file: Path,
    leg: Int = 0,
    raw: RawFormat? = null,
    pace: Boolean = true,
    live: Boolean = true,
    dispatcher: CoroutineDispatcher = Dispatchers.Default,
): Flow<Event> =
    flow {
        Recording.open(file.toString(), raw).use { recording ->
            val (rate, channels) = recording.sampleRateHz() to recording.channels()
            if (leg !in 0 until channels) {
                throw VeravoxException.InvalidArgument("expected a leg of 0 to ${channels - 1}, got $leg")
            }
            stream(rate, live).use { stream ->
                val started = TimeSource.Monotonic.markNow()
                val packetBytes = rate / PACKETS_A_SECOND * Float.SIZE_BYTES
                var pushed = 0L
                while (true) {
                    val samples = recording.next()?.get(leg) ?: break
                    for (from in samples.indices step packetBytes) {
                        val length = minOf(packetBytes, samples.size - from)
                        pushed += length / Float.SIZE_BYTES
                        currentCoroutineContext().ensureActive()
                        // A packet is there when its last sample was spoken.
                        if (pace) delay((pushed.toDouble() / rate).seconds - started.elapsedNow())
                        stream.pushFloat32(direct(length, 1) { it.put(samples, from, length) }).forEach { emit(it) }
                    }
                }
                emit(Event.Ended(stream.finish()))
            }
        }
    }.flowOn(dispatcher)

/** Packets of 20 ms, as telephones send them. */
private const val PACKETS_A_SECOND = 50
