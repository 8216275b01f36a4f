//! Weights to routes and back (pure): one file a provider.
//!
//! May use `api` and `release`. Nothing here has a client; `controller` applies the route and reads it back.

pub mod gateway_api;
