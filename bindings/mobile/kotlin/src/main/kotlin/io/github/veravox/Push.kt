package io.github.veravox

import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Takes the next samples of the leg, 16-bit. Returns the windows that they completed and any news of the verdict.
 *
 * They are copied once, at one go, into memory that the library reads from. [Stream.pushPcm16] reads a direct buffer where it lies.
 */
public fun Stream.push(
    samples: ShortArray,
    offset: Int = 0,
    length: Int = samples.size - offset,
): List<Event> = pushPcm16(direct(length, Short.SIZE_BYTES) { it.asShortBuffer().put(samples, offset, length) })

/**
 * Takes the next samples of the leg, floats in [-1, 1]. What is no number counts as zero, and much of it makes the leg
 * inconclusive; values outside are clipped.
 */
public fun Stream.push(
    samples: FloatArray,
    offset: Int = 0,
    length: Int = samples.size - offset,
): List<Event> = pushFloat32(direct(length, Float.SIZE_BYTES) { it.asFloatBuffer().put(samples, offset, length) })

/**
 * Takes the next samples of the leg, 16-bit and little-endian: what of [samples] lies between its position and its limit, which
 * stay as they are. A direct buffer, as `AudioRecord` fills it, is read where it lies; others are copied once.
 */
public fun Stream.push(samples: ByteBuffer): List<Event> =
    pushPcm16(if (samples.isDirect) samples else direct(samples.remaining(), 1) { it.put(samples.duplicate()) })

/** As [push] of a buffer, of an array of bytes. */
public fun Stream.push(
    samples: ByteArray,
    offset: Int = 0,
    length: Int = samples.size - offset,
): List<Event> = push(ByteBuffer.wrap(samples, offset, length))

/** What the native library can read: memory outside of the heap, filled by [fill]. It is good until the next call in this thread. */
internal fun direct(
    count: Int,
    bytesEach: Int,
    fill: (ByteBuffer) -> Unit,
): ByteBuffer {
    val bytes = Math.multiplyExact(maxOf(count, 0), bytesEach)
    val whole = if (bytes <= SCRATCH_BYTES) scratch.get() else ByteBuffer.allocateDirect(bytes)
    whole.clear()
    fill(whole.order(ByteOrder.LITTLE_ENDIAN))
    whole.clear().limit(bytes)
    return whole
}

/** Four seconds of a telephone call. */
private const val SCRATCH_BYTES = 65_536

private val scratch = ThreadLocal.withInitial { ByteBuffer.allocateDirect(SCRATCH_BYTES) }
