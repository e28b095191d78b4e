// What MediaCodec has since API 21.

package io.github.veravox.sample

import android.media.MediaCodec
import java.nio.ByteBuffer

fun MediaCodec.getInputBuffer(index: Int): ByteBuffer? = inputBuffers[index]

fun MediaCodec.getOutputBuffer(index: Int): ByteBuffer? = outputBuffers[index]
