//! Rows of media, and what can go wrong with a file.

use chrono::{DateTime, Utc};
use diesel::{Insertable, Queryable, Selectable};

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::error::{UserError, UserErrorCode};
use crate::files::Refused;
use crate::ids::{BlobId, MediaId, UploadId, UserId};
use crate::validation::DomainError;

/// Somebody's file, with what is known of its content.
#[derive(Clone, Debug)]
pub struct Media {
    /// Its row.
    pub file: File,
    /// Its content.
    pub blob: Blob,
    /// The name of a small picture of it.
    pub thumbnail: Option<String>,
}

impl Media {
    /// Whether it can be shown as a picture.
    #[must_use]
    pub fn is_picture(&self) -> bool {
        self.file.width.is_some()
    }
}

/// Somebody's file.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::media)]
pub struct File {
    /// Key.
    pub id: MediaId,
    /// Who uploaded it.
    pub owner_id: UserId,
    /// A picture's width in pixels.
    pub width: Option<i32>,
    /// A picture's height in pixels.
    pub height: Option<i32>,
    /// What its owner called it.
    pub file_name: String,
    /// When it was uploaded.
    pub created_at: DateTime<Utc>,
}

/// The content of files.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::blobs)]
pub struct Blob {
    /// Key.
    pub id: BlobId,
    /// Its name in urls and in the storage.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// Its bytes.
    pub size_bytes: i64,
    /// Whether the storage has it.
    pub stored: bool,
    /// When somebody last uploaded it, or stopped using it.
    pub wanted_at: DateTime<Utc>,
}

/// A content to be.
#[derive(Debug, Insertable)]
#[diesel(table_name = schema::blobs)]
pub struct NewBlob {
    /// Hash of the bytes.
    pub sha256: Vec<u8>,
    /// Its media type.
    pub content_type: &'static str,
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub size_bytes: i64,
    /// Now.
    pub wanted_at: DateTime<Utc>,
}

/// A file to be.
#[derive(Debug, Insertable)]
#[diesel(table_name = schema::media)]
pub struct NewFile<'a> {
    /// Who uploaded it.
    pub owner_id: UserId,
    /// Its content.
    pub blob_id: BlobId,
    /// A small picture of it.
    pub thumbnail_id: Option<BlobId>,
    /// A picture's width.
    pub width: Option<i32>,
    /// A picture's height.
    pub height: Option<i32>,
    /// What its owner calls it.
    pub file_name: &'a str,
    /// Now.
    pub created_at: DateTime<Utc>,
}

/// A file that was deleted.
#[derive(Debug, Queryable)]
pub struct Deleted {
    /// Its content.
    pub blob_id: BlobId,
    /// The small picture of it.
    pub thumbnail_id: Option<BlobId>,
}

/// What is wanted of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// That they are of any kind that is taken.
    Anything,
    /// That they are pictures.
    Pictures,
}

/// A file as it was sent.
#[derive(Debug)]
pub struct Sent {
    /// Its bytes, in a temporary file.
    pub file: std::fs::File,
    /// What its owner calls it.
    pub name: String,
    /// What its media type was said to be.
    pub said: Option<String>,
    /// The argument that it came in, such as `files.0`.
    pub path: String,
}

/// A file whose contents are in the storage, and which is nobody's yet.
#[derive(Debug)]
pub struct Kept {
    /// Its content.
    pub blob: Blob,
    /// A small picture of it.
    pub thumbnail: Option<Blob>,
    /// A picture's width and height.
    pub dimensions: Option<(u32, u32)>,
    /// What its owner calls it.
    pub file_name: String,
    /// The argument that it came in.
    pub path: String,
}

pg_enum! {
    /// What became of an upload.
    pub enum UploadState: sql_types::UploadState {
        /// Nothing yet.
        Open = "OPEN",
        /// A file.
        Done = "DONE",
        /// It was no good.
        Refused = "REFUSED",
    }
}

/// A file that is sent straight to the storage.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::uploads)]
pub struct Upload {
    /// Key.
    pub id: UploadId,
    /// Whose it will be.
    pub owner_id: UserId,
    /// Its name in urls and in the storage.
    pub key: String,
    /// What its owner calls it.
    pub file_name: String,
    /// Its media type, as announced.
    pub content_type: String,
    /// Its bytes, as announced.
    pub size_bytes: i64,
    /// What became of it.
    pub state: UploadState,
    /// The file it became.
    pub media_id: Option<MediaId>,
    /// Until when it may be sent.
    pub expires_at: DateTime<Utc>,
}

/// A file that is announced.
#[derive(Debug, Insertable)]
#[diesel(table_name = schema::uploads)]
pub struct NewUpload<'a> {
    /// Whose it will be.
    pub owner_id: UserId,
    /// Its name in urls and in the storage.
    pub key: &'a str,
    /// What its owner calls it.
    pub file_name: &'a str,
    /// Its media type.
    pub content_type: &'static str,
    /// Its bytes.
    pub size_bytes: i64,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// Until when it may be sent.
    pub expires_at: DateTime<Utc>,
}

/// How much somebody may have.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    /// So many files.
    pub files: i32,
    /// So many bytes of them.
    pub bytes: i64,
}

/// What can go wrong with a file, for its owner to act on.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The file itself is no good.
    #[error(transparent)]
    Refused(Refused),
    /// More than fits in.
    #[error("Your files take up to {} MiB, and may be up to {} in number: delete some first.", .0.bytes >> 20, .0.files)]
    NoRoom(Quota),
    /// More than one upload may have.
    #[error("A file of this kind has 1 to {0} bytes.")]
    SizeOutOfRange(i64),
    /// More at once than allowed.
    #[error("At most {0} files at once.")]
    TooMany(usize),
    /// None at all.
    #[error("Give at least one file.")]
    NoneGiven,
    /// The name can't be shown.
    #[error("A file's name has 1 to 200 characters on one line.")]
    NameUnusable,
    /// Not one of the viewer's.
    #[error("You have no such file.")]
    NoSuchFile,
    /// Not to be looked at.
    #[error("This file is no picture.")]
    NoPicture,
    /// More than something shows.
    #[error("At most {0} pictures.")]
    TooManyImages(usize),
    /// The same picture twice.
    #[error("This picture is given twice.")]
    ImageTwice,
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Null,
    /// Something shows it.
    #[error("Something still shows this file; take it out there first.")]
    Shown,
    /// Never made here, or not for the viewer, or refused before.
    #[error("This is no token of an upload of yours, or what was sent has been refused.")]
    TokenInvalid,
    /// Its time is over.
    #[error("This upload's time is over: ask for another ticket.")]
    TokenExpired,
    /// Nothing came.
    #[error("Nothing has arrived at uploadUrl yet.")]
    NotSent,
    /// Something else came.
    #[error("What was sent has {0} bytes, not the {1} announced.")]
    OtherSize(u64, i64),
}

impl DomainError for MediaError {
    fn required() -> Self {
        Self::Null
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::Refused(Refused::NotAllowed | Refused::OtherThanSaid(..)) | Self::NoPicture => {
                UserErrorCode::FileTypeNotAllowed
            }
            Self::Refused(
                Refused::TooManyPixels(..)
                | Refused::TooMuchMovement
                | Refused::TooMuchMemory
                | Refused::StoredTooLarge,
            )
            | Self::SizeOutOfRange(_) => UserErrorCode::FileTooLarge,
            Self::Refused(_) | Self::NameUnusable | Self::OtherSize(..) | Self::ImageTwice => {
                UserErrorCode::InvalidInput
            }
            Self::NoRoom(_) | Self::TooMany(_) | Self::TooManyImages(_) => UserErrorCode::TooManyFiles,
            Self::NoneGiven | Self::Null => UserErrorCode::Required,
            Self::NoSuchFile | Self::NotSent => UserErrorCode::NotFound,
            Self::Shown => UserErrorCode::Conflict,
            Self::TokenInvalid => UserErrorCode::CodeInvalid,
            Self::TokenExpired => UserErrorCode::CodeExpired,
        };
        UserError::new(code, self.to_string(), path)
    }
}
