package io.github.veravox

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.nio.file.Path

/**
 * Scores a recording in a file; each channel is a leg of its own. It works in a thread of [dispatcher]; a coroutine that is
 * cancelled ends it within a moment.
 *
 * @param raw what the audio is, where the file has no header.
 * @throws VeravoxException where the file cannot be read or scored, of the kind that says why.
 */
public suspend fun Detector.scan(
    file: Path,
    raw: RawFormat? = null,
    dispatcher: CoroutineDispatcher = Dispatchers.Default,
): CallReport = cancellable(dispatcher) { scanFile(file.toString(), raw, it) }

/** As [scan] of a file, of its bytes. */
public suspend fun Detector.scan(
    bytes: ByteArray,
    raw: RawFormat? = null,
    dispatcher: CoroutineDispatcher = Dispatchers.Default,
): CallReport = cancellable(dispatcher) { scanBytes(bytes, raw, it) }

private suspend fun <T> cancellable(
    dispatcher: CoroutineDispatcher,
    work: (Cancellation) -> T,
): T =
    withContext(dispatcher) {
        Cancellation().use { cancellation ->
            // It ends when nobody is left who could tell the cancellation, which is closed then.
            coroutineScope {
                // It is told in the thread that cancels: those of the dispatcher may all be at work.
                val told =
                    launch(Dispatchers.Unconfined, CoroutineStart.UNDISPATCHED) {
                        try {
                            awaitCancellation()
                        } finally {
                            cancellation.cancel()
                        }
                    }
                try {
                    work(cancellation)
                } catch (stopped: VeravoxException.Cancelled) {
                    ensureActive()
                    throw stopped
                } finally {
                    told.cancel()
                }
            }
        }
    }
