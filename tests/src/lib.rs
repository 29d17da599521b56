//! Cases over all packages.
