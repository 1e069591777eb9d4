//! Rows and errors of media.

use chrono::{DateTime, Utc};
use diesel::{Insertable, Queryable, Selectable};

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::error::{UserError, UserErrorCode};
use crate::files::{Dimensions, FileError};
use crate::ids::{BlobId, MediaId, UploadId, UserId};
use crate::validation::DomainError;

/// A file with its content.
#[derive(Clone, Debug)]
pub struct Media {
    /// Its row.
    pub file: File,
    /// What is in it.
    pub content: MediaContent,
    /// Name of the thumbnail's blob.
    pub thumbnail: Option<String>,
}

/// What is shown of a file's blob.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::blobs)]
pub struct MediaContent {
    /// Its name in urls.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// Its bytes.
    pub size_bytes: i64,
}

impl From<&Blob> for MediaContent {
    fn from(blob: &Blob) -> Self {
        Self { name: blob.name.clone(), content_type: blob.content_type.clone(), size_bytes: blob.size_bytes }
    }
}

impl Media {
    /// Whether it is a picture.
    #[must_use]
    pub fn is_picture(&self) -> bool {
        self.file.width.is_some()
    }
}

/// A file of a user's.
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

/// Content, shared by files with the same bytes and type.
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
    /// Whether the storage has the bytes.
    pub stored: bool,
    /// Last claim: an upload of the same bytes, or the end of a use.
    pub wanted_at: DateTime<Utc>,
}

/// A blob to insert.
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

/// What a copy of a file takes over.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::media)]
pub struct OriginalFile {
    /// Its content.
    pub blob_id: BlobId,
    /// A small picture of it.
    pub thumbnail_id: Option<BlobId>,
    /// A picture's width.
    pub width: Option<i32>,
    /// A picture's height.
    pub height: Option<i32>,
    /// What its owner calls it.
    pub file_name: String,
    /// Bytes of the content.
    #[diesel(select_expression = schema::blobs::size_bytes)]
    pub size_bytes: i64,
}

/// A file to insert.
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

/// Blobs of a deleted file.
#[derive(Debug, Queryable)]
pub struct DeletedFile {
    /// Its content.
    pub blob_id: BlobId,
    /// The small picture of it.
    pub thumbnail_id: Option<BlobId>,
}

/// The file types that an upload accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptedKinds {
    /// All that [`crate::files::kind`] lists.
    Any,
    /// Pictures alone.
    Pictures,
}

/// A file of a multipart request.
#[derive(Debug)]
pub struct UploadedFile {
    /// Its bytes, in a temporary file.
    pub file: std::fs::File,
    /// What its owner calls it.
    pub name: String,
    /// The media type that the client declared.
    pub declared_type: Option<String>,
    /// Path of its argument, such as `files.0`.
    pub path: String,
}

/// A file whose bytes are stored and claimed, but which has no row yet.
#[derive(Debug)]
pub struct StagedFile {
    /// Its content.
    pub blob: Blob,
    /// A small picture of it.
    pub thumbnail: Option<Blob>,
    /// A picture's width and height.
    pub dimensions: Option<Dimensions>,
    /// What its owner calls it.
    pub file_name: String,
    /// Path of its argument.
    pub path: String,
}

pg_enum! {
    /// State of an upload.
    pub enum UploadState: sql_types::UploadState {
        /// Not completed.
        Open = "OPEN",
        /// Completed; `media_id` is set.
        Done = "DONE",
        /// The file was rejected.
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
    /// State.
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

/// Limits of a user's files.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    /// Files.
    pub files: i32,
    /// Bytes of all files.
    pub bytes: i64,
}

/// User errors of files.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The file is rejected.
    #[error(transparent)]
    File(FileError),
    /// Over the quota.
    #[error("Your files take up to {} MiB, and may be up to {} in number: delete some first.", .0.bytes >> 20, .0.files)]
    QuotaExceeded(Quota),
    /// More than one upload may have.
    #[error("A file of this kind has 1 to {0} bytes.")]
    SizeOutOfRange(i64),
    /// Over the limit of one request.
    #[error("At most {0} files at once.")]
    TooMany(usize),
    /// An empty list.
    #[error("Give at least one file.")]
    NoneGiven,
    /// The name can't be shown.
    #[error("A file's name has 1 to 200 characters on one line.")]
    NameUnusable,
    /// Not one of the viewer's.
    #[error("You have no such file.")]
    NoSuchFile,
    /// Not a picture.
    #[error("This file is no picture.")]
    NoPicture,
    /// Over the limit of pictures.
    #[error("At most {0} pictures.")]
    TooManyImages(usize),
    /// The same picture twice.
    #[error("This picture is given twice.")]
    ImageTwice,
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Null,
    /// Still referenced.
    #[error("Something still shows this file; take it out there first.")]
    Shown,
    /// Forged, of another user, or of a rejected upload.
    #[error("This is no token of an upload of yours, or what was sent has been refused.")]
    TokenInvalid,
    /// Expired.
    #[error("This upload's time is over: ask for another ticket.")]
    TokenExpired,
    /// The storage has no such object.
    #[error("Nothing has arrived at uploadUrl yet.")]
    NotSent,
    /// Bytes sent, bytes announced.
    #[error("What was sent has {0} bytes, not the {1} announced.")]
    OtherSize(u64, i64),
}

impl DomainError for MediaError {
    fn required() -> Self {
        Self::Null
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::File(FileError::NotAllowed | FileError::TypeMismatch(..)) | Self::NoPicture => {
                UserErrorCode::FileTypeNotAllowed
            }
            Self::File(
                FileError::TooManyPixels(..)
                | FileError::TooMuchMovement
                | FileError::TooMuchMemory
                | FileError::StoredTooLarge,
            )
            | Self::SizeOutOfRange(_) => UserErrorCode::FileTooLarge,
            Self::File(_) | Self::NameUnusable | Self::OtherSize(..) | Self::ImageTwice => UserErrorCode::InvalidInput,
            Self::QuotaExceeded(_) | Self::TooMany(_) | Self::TooManyImages(_) => UserErrorCode::TooManyFiles,
            Self::NoneGiven | Self::Null => UserErrorCode::Required,
            Self::NoSuchFile | Self::NotSent => UserErrorCode::NotFound,
            Self::Shown => UserErrorCode::Conflict,
            Self::TokenInvalid => UserErrorCode::CodeInvalid,
            Self::TokenExpired => UserErrorCode::CodeExpired,
        };
        UserError::new(code, self.to_string(), path)
    }
}
