//! Who is near: positions that people share, and the list of those who are nearest. Groups that are near are listed by
//! [`groups`](super::groups), from the same cells and within the same count of them.
//!
//! Invariants:
//! - A position is the number of a cell of some 500 m ([`GridCell`](crate::geo::GridCell)): nothing finer is in the database.
//!   What is asked for is snapped too, so order, distance and radius are between centres of cells. However often and from
//!   wherever they are asked for, they tell the cell and no more.
//! - A position is for [`Nobody`](model::PositionVisibility::Nobody) to see until its owner says otherwise. Withdrawing it
//!   deletes the row, and what was said with it.
//! - `place` is set while a position may be seen, and not too old ([`policy::POSITION_LIFETIME`]): the index holds these alone,
//!   and a list reads little more than it answers with. The cleanup empties it every hour; lists look at the time as well.
//! - A list ends after [`policy::LIST_LIMIT`] people, and is ordered by the distance of `place`, which the owner's id moves by
//!   less than a millimetre: that part of the order says nothing of the owner's position.
//! - From how many cells a person asks in an hour is counted in `near_asks`, in one statement.
//! - The account is held before its position.

pub mod loader;
pub mod model;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod types;
