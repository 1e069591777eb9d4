//! Media: people's files.
//!
//! Invariants:
//! - A file ([`model::Media`]) belongs to who uploaded it and never changes. Its content is a blob, which files with the
//!   same bytes share; a blob's name is a keyed hash of them, so that its url can't be guessed and never means anything
//!   else.
//! - Whatever shows a file refers to its row by a foreign key: it can't be deleted while anything does.
//! - `blobs.uses` counts files and thumbnails, in the transaction that makes or deletes them. A blob nobody uses is swept
//!   a day after somebody last wanted it; an upload of the same bytes in that time, even that moment, finds it whole or
//!   puts it there anew. The row is held while the storage deletes.
//! - `file_usage` decides how much somebody may have; announced uploads are counted by what they announced.
//! - Of an upload straight to the storage only `completeUpload` makes a file, and once.
//!
//! A blob: put (wanted, not stored) → stored ⇄ unused → condemned (not stored) → gone.
//! An upload: open → done, refused, or over (an hour); what was sent is taken out of the storage after that.
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
