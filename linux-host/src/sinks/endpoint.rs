//! Where a sink connects to, for whoever looks at the way there by itself.

use super::tls::Tls;

/// Where a sink connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or a number; one of IPv6 in brackets.
    pub host: String,
    /// TCP.
    pub port: u16,
    /// Both sides of TLS, if it is used.
    pub tls: Option<Tls>,
}
