//! Log lines of a port: through `log`, else `defmt`, else nowhere. Private macros, so that no call names a back end.
//!
//! With both features `log` wins: a hosted build with all features has no `defmt` transport to link with.

/// Something is odd, and the loop goes on. Arguments are shown with `{:?}`.
macro_rules! warning {
    ($text:literal $(, $value:expr)* $(,)?) => {{
        #[cfg(feature = "log")]
        ::log::warn!($text $(, $value)*);
        #[cfg(all(feature = "defmt", not(feature = "log")))]
        ::defmt::warn!($text $(, $value)*);
        #[cfg(not(any(feature = "log", feature = "defmt")))]
        {
            let _ = ($(&$value,)*);
        }
    }};
}
pub(crate) use warning;
