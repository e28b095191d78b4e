//! Pointers that come from C, looked at before they are used.

use std::ffi::{CStr, OsStr, c_char};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::status::{Fault, vvx_status};

/// The first word of everything that a handle points to: says what it is while it lives.
pub(crate) struct Tag(AtomicU64);

impl Tag {
    pub const fn new(kind: u64) -> Self {
        Self(AtomicU64::new(kind))
    }

    /// What it stands in is about to be freed: a pointer that is used all the same is told from a live one, while the memory is
    /// not used again.
    pub fn strike(&self) {
        self.0.store(0, Ordering::Release);
    }
}

/// What a handle may point to.
///
/// # Safety
/// The type must be `repr(C)` with a [`Tag`] of its `KIND` as its first field.
pub(crate) unsafe trait Handle: Sync {
    /// Eight letters.
    const KIND: u64;
}

/// What a handle points to.
///
/// # Safety
/// The pointer must be null, or to readable memory of 8 bytes, and if that holds the tag of `T`, to a `T` that lives for `'a`.
pub(crate) unsafe fn deref<'a, T: Handle>(pointer: *const T) -> Result<&'a T, Fault> {
    check(pointer)?;
    // SAFETY: not null and aligned; every handle starts with a tag, which is plain memory.
    let tag = unsafe { &*pointer.cast::<Tag>() };
    if tag.0.load(Ordering::Acquire) != T::KIND {
        return Err(Fault::new(
            vvx_status::BadHandle,
            "the pointer is not to what the function takes, or it was freed",
        ));
    }
    // SAFETY: it holds the tag of a `T`, which the caller keeps alive.
    Ok(unsafe { &*pointer })
}

/// Refuses null and what is not aligned.
pub(crate) fn check<T>(pointer: *const T) -> Result<(), Fault> {
    if pointer.is_null() {
        return Err(Fault::new(vvx_status::NullPointer, "expected a pointer, got null"));
    }
    if !pointer.is_aligned() {
        return Err(Fault::new(vvx_status::Misaligned, "a pointer is not aligned for what it points to"));
    }
    Ok(())
}

/// Writes to an out-parameter.
///
/// # Safety
/// The pointer must be null, misaligned, or writable.
pub(crate) unsafe fn put<T>(out: *mut T, value: T) -> Result<(), Fault> {
    check(out)?;
    // SAFETY: checked above; writable by the caller's word. Nothing that lies there is dropped: it may be uninitialised.
    unsafe { out.write(value) };
    Ok(())
}

/// An array of a caller's. Null is fine where it is empty.
///
/// # Safety
/// The pointer must be null, misaligned, or to `n` values that nobody changes during `'a`.
pub(crate) unsafe fn slice<'a, T>(pointer: *const T, n: usize) -> Result<&'a [T], Fault> {
    if n == 0 {
        return Ok(&[]);
    }
    check(pointer)?;
    if n > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(Fault::new(vvx_status::InvalidArgument, "expected fewer values than memory can hold"));
    }
    // SAFETY: not null, aligned, not too long; readable by the caller's word.
    Ok(unsafe { std::slice::from_raw_parts(pointer, n) })
}

/// A path of a caller's: any bytes on Unix, UTF-8 elsewhere.
///
/// # Safety
/// The pointer must be null or to a text that ends with a zero and lives for `'a`.
pub(crate) unsafe fn path<'a>(pointer: *const c_char) -> Result<&'a Path, Fault> {
    // SAFETY: the caller's word.
    let text = unsafe { ended(pointer) }?;
    #[cfg(unix)]
    let name = <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(text.to_bytes());
    #[cfg(not(unix))]
    let name =
        OsStr::new(text.to_str().map_err(|_| Fault::new(vvx_status::InvalidArgument, "expected a path in UTF-8"))?);
    Ok(Path::new(name))
}

/// A text of a caller's, in UTF-8.
///
/// # Safety
/// The pointer must be null or to a text that ends with a zero and lives for `'a`.
pub(crate) unsafe fn text<'a>(pointer: *const c_char) -> Result<&'a str, Fault> {
    // SAFETY: the caller's word.
    let text = unsafe { ended(pointer) }?;
    text.to_str().map_err(|_| Fault::new(vvx_status::InvalidArgument, "expected a text in UTF-8"))
}

/// The bytes of a caller's text.
///
/// # Safety
/// As of [`text`].
unsafe fn ended<'a>(pointer: *const c_char) -> Result<&'a CStr, Fault> {
    check(pointer)?;
    // SAFETY: not null; ends with a zero by the caller's word.
    Ok(unsafe { CStr::from_ptr(pointer) })
}
