//! What nobody can guess.

/// 32 bits from the kernel.
///
/// # Errors
/// The kernel gives none, in words.
pub(crate) fn bits32() -> Result<u32, String> {
    let mut bytes = [0; 4];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|error| format!("the system gives no random number: {error}"))?;
    Ok(u32::from_le_bytes(bytes))
}
