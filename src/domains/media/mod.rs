//! Media: uploaded files.
//!
//! Invariants:
//! - A file ([`model::Media`]) belongs to its uploader and is immutable. Its content is a blob, shared by files with the same
//!   bytes and type. A blob's name is a keyed hash of both, so that its URL can't be guessed.
//! - A row that shows a file references it by a foreign key, so the file can't be deleted while shown.
//! - `blobs.uses` counts references by files and thumbnails, in the transaction that changes them. An unused blob is deleted
//!   a day after its last claim (`wanted_at`); a concurrent upload of the same bytes finds it intact or stores it anew. The
//!   row is locked during the deletion in the storage.
//! - `file_usage` enforces the quota; an open upload reserves its announced size.
//! - A direct upload becomes a file only by `completeUpload`, and once.
//!
//! A blob: claimed (not stored) → stored ⇄ unused → marked for deletion (not stored) → deleted.
//! An upload: open → done, refused, or expired (after an hour); then its received bytes are deleted.
//!
//! Locks are taken in this order: the account's row, an upload, the account's usage, files by id, blobs by id.

pub mod loader;
pub mod model;
pub mod mutation;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod types;
