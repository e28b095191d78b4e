//! Structures that grow from version to version: the first field says how large the caller's is.

use std::mem::MaybeUninit;

use crate::handle::check;
use crate::status::{Fault, vvx_status};

/// A structure that starts with `struct_size`.
///
/// # Safety
/// The type must be `repr(C)`, start with a `usize` of that name, and be valid with all bytes zero.
pub(crate) unsafe trait Versioned: Copy {
    /// Its size in the first version that had it: the end of the last field of then.
    const FIRST_SIZE: usize;

    /// Writes the first field.
    fn set_struct_size(&mut self, struct_size: usize);
}

/// Implements [`Versioned`] for a structure, given the last field of its first version.
macro_rules! versioned {
    ($name:ident, $last:ident: $type:ty) => {
        // SAFETY: `repr(C)`, made of numbers and pointers that may be null, and the assertion holds the first field.
        unsafe impl crate::sized::Versioned for $name {
            const FIRST_SIZE: usize = {
                assert!(std::mem::offset_of!($name, struct_size) == 0);
                std::mem::offset_of!($name, $last) + size_of::<$type>()
            };

            fn set_struct_size(&mut self, struct_size: usize) {
                self.struct_size = struct_size;
            }
        }
    };
}
pub(crate) use versioned;

/// Nobody's structure is as large; a size above is garbage.
const LARGEST: usize = 4_096;

fn wrong_size() -> Fault {
    Fault::new(vvx_status::StructSize, "expected struct_size to be the size of the structure, as by sizeof")
}

/// Reads a caller's structure; what its version does not have is zero. Null stands for all zero.
///
/// # Safety
/// The pointer must be null, misaligned, or to as many readable bytes as its first word says.
pub(crate) unsafe fn read<T: Versioned>(pointer: *const T) -> Result<T, Fault> {
    // SAFETY: all zero is valid for a `Versioned`.
    let mut value: T = unsafe { MaybeUninit::zeroed().assume_init() };
    if pointer.is_null() {
        return Ok(value);
    }
    check(pointer)?;
    // SAFETY: not null, aligned; the first word is there by the caller's word.
    let size = unsafe { pointer.cast::<usize>().read() };
    if !(T::FIRST_SIZE..=LARGEST).contains(&size) {
        return Err(wrong_size());
    }
    let bytes = pointer.cast::<u8>();
    // What a newer caller asks for must not be passed over in silence.
    // SAFETY: `size` bytes are there by the caller's word.
    let unknown = (size_of::<T>()..size).any(|at| unsafe { bytes.add(at).read() } != 0);
    if unknown {
        return Err(wrong_size());
    }
    // SAFETY: the source holds `size` bytes, the target `size_of::<T>()`; any bytes are valid, for it is numbers and pointers.
    unsafe { bytes.copy_to_nonoverlapping((&raw mut value).cast(), size.min(size_of::<T>())) };
    Ok(value)
}

/// Fills a caller's structure as far as its version has fields, and says in `struct_size` how far that is. Allocates nothing.
///
/// # Safety
/// The pointer must be null, misaligned, or to as many writable bytes as its first word says.
pub(crate) unsafe fn write<T: Versioned>(pointer: *mut T, mut value: T) -> Result<(), Fault> {
    check(pointer)?;
    // SAFETY: not null, aligned; the first word is there by the caller's word.
    let size = unsafe { pointer.cast::<usize>().read() };
    if !(T::FIRST_SIZE..=LARGEST).contains(&size) {
        return Err(wrong_size());
    }
    let filled = size.min(size_of::<T>());
    value.set_struct_size(filled);
    // SAFETY: the source holds `size_of::<T>()` bytes, the target `size`.
    unsafe { (&raw const value).cast::<u8>().copy_to_nonoverlapping(pointer.cast(), filled) };
    Ok(())
}
