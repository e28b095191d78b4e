package io.github.veravox.sample

import android.content.Context
import android.media.MediaCodec
import android.media.MediaExtractor
import android.media.MediaFormat
import android.net.Uri
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOn
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * A call recording as the phone has it, AMR, AAC or any other that Android decodes, as samples of its first channel. The library is
 * small since Android brings the decoders.
 */
class RecordingFile(
    private val context: Context,
    private val uri: Uri,
) {
    /** Samples a second, as the file says. */
    val sampleRateHz: Int = opened { _, format -> format.getInteger(MediaFormat.KEY_SAMPLE_RATE) }

    /** The samples, as they are decoded. */
    val samples: Flow<ShortArray> =
        flow {
            val extractor = MediaExtractor()
            try {
                val format = extractor.openAudio()
                val decoder = MediaCodec.createDecoderByType(checkNotNull(format.getString(MediaFormat.KEY_MIME)))
                try {
                    decoder.configure(format, null, null, 0)
                    decoder.start()
                    decode(extractor, decoder, format.getInteger(MediaFormat.KEY_CHANNEL_COUNT)) { emit(it) }
                } finally {
                    decoder.release()
                }
            } finally {
                extractor.release()
            }
        }.flowOn(Dispatchers.IO)

    private suspend fun decode(
        extractor: MediaExtractor,
        decoder: MediaCodec,
        channels: Int,
        heard: suspend (ShortArray) -> Unit,
    ) {
        val info = MediaCodec.BufferInfo()
        var fed = false
        while (true) {
            if (!fed) {
                val index = decoder.dequeueInputBuffer(TIMEOUT_US)
                if (index >= 0) {
                    val n = extractor.readSampleData(checkNotNull(decoder.getInputBuffer(index)), 0)
                    fed = n < 0
                    decoder.queueInputBuffer(
                        index,
                        0,
                        maxOf(n, 0),
                        maxOf(extractor.sampleTime, 0),
                        if (fed) MediaCodec.BUFFER_FLAG_END_OF_STREAM else 0,
                    )
                    extractor.advance()
                }
            }
            val index = decoder.dequeueOutputBuffer(info, TIMEOUT_US)
            if (index >= 0) {
                heard(firstChannel(checkNotNull(decoder.getOutputBuffer(index)), channels))
                decoder.releaseOutputBuffer(index, false)
                if (info.flags and MediaCodec.BUFFER_FLAG_END_OF_STREAM != 0) return
            }
        }
    }

    private fun firstChannel(
        decoded: ByteBuffer,
        channels: Int,
    ): ShortArray {
        val interleaved = decoded.order(ByteOrder.nativeOrder()).asShortBuffer()
        return ShortArray(interleaved.remaining() / channels) { interleaved.get(it * channels) }
    }

    private fun MediaExtractor.openAudio(): MediaFormat {
        setDataSource(context, uri, null)
        for (track in 0 until trackCount) {
            val format = getTrackFormat(track)
            if (format.getString(MediaFormat.KEY_MIME)?.startsWith("audio/") == true) {
                selectTrack(track)
                return format
            }
        }
        error("the file holds no audio")
    }

    private fun <T> opened(use: (MediaExtractor, MediaFormat) -> T): T {
        val extractor = MediaExtractor()
        try {
            return use(extractor, extractor.openAudio())
        } finally {
            extractor.release()
        }
    }

    private companion object {
        const val TIMEOUT_US = 10_000L
    }
}
