package io.github.veravox.sample

import android.media.AudioFormat
import android.media.AudioRecord
import android.media.MediaRecorder
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.isActive

/** What the microphone hears, in packets of 20 ms, until the collector goes. The app has the permission RECORD_AUDIO. */
fun microphone(sampleRateHz: Int): Flow<ShortArray> =
    flow {
        val packet = sampleRateHz / 50
        val (channel, encoding) = AudioFormat.CHANNEL_IN_MONO to AudioFormat.ENCODING_PCM_16BIT
        // Half a second, so that nothing is lost while a window is scored.
        val bytes = maxOf(AudioRecord.getMinBufferSize(sampleRateHz, channel, encoding), sampleRateHz)
        // Of all sources the one whose sound is the least processed.
        val recorder = AudioRecord(MediaRecorder.AudioSource.VOICE_RECOGNITION, sampleRateHz, channel, encoding, bytes)
        check(recorder.state == AudioRecord.STATE_INITIALIZED) { "the microphone is not to be had" }
        try {
            recorder.startRecording()
            while (currentCoroutineContext().isActive) {
                val samples = ShortArray(packet)
                val n = recorder.read(samples, 0, packet)
                check(n >= 0) { "the microphone failed: $n" }
                emit(if (n == packet) samples else samples.copyOf(n))
            }
        } finally {
            recorder.stop()
            recorder.release()
        }
    }.flowOn(Dispatchers.IO)
