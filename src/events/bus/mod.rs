//! How instances tell each other to look at the stream. The truth is in the tables; what a bus loses costs a second.

pub(super) mod ephemeral;
pub mod postgres;
