//! GraphQL types of media.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::service::uploads::IssuedTicket;
use super::{model, policy};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::plain;
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::scalars::{DateTime, Json, Url};
use crate::ids::MediaId;

/// An uploaded file. Its url is unguessable and never changes: anyone who has it can read the file.
#[derive(Clone, Debug)]
pub struct Media(pub Arc<model::Media>);

impl From<model::Media> for Media {
    fn from(media: model::Media) -> Self {
        Self(Arc::new(media))
    }
}

impl Media {
    /// Where it is, for what shows it under another name.
    ///
    /// # Errors
    /// Internal without an app.
    pub fn url_named(&self, ctx: &Context<'_>, name: Option<&str>) -> AppResult<Url> {
        url(ctx, &policy::address(&self.0.content.name, name.unwrap_or(&self.0.file.file_name)))
    }
}

fn url(ctx: &Context<'_>, address: &str) -> AppResult<Url> {
    let public_url = &ctx.app()?.config.public_url;
    // Not by `format!`, which takes five times as long: a page has many.
    Ok(Url([public_url, "/media/", address].concat()))
}

/// An uploaded file. Its url is unguessable and never changes: anyone who has it can read the file.
#[Object(crate = "crate::graphql::eager")]
impl Media {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.file.id.global()
    }

    /// Where it is; absolute. May be cached for ever. A document's ends in `?name=` and the name under which browsers save
    /// it: `fileName`, with the extension of its type.
    pub fn url(&self, ctx: &Context<'_>) -> AppResult<Url> {
        self.url_named(ctx, None)
    }

    /// Where a small picture of it is, at most 320 pixels a side; null for what is no picture.
    #[must_use]
    pub fn thumbnail_url(&self, ctx: &Context<'_>) -> Option<AppResult<Url>> {
        let small = self.0.is_picture().then_some(&self.0.content.name);
        self.0.thumbnail.as_ref().or(small).map(|name| url(ctx, name))
    }

    /// A picture's width in pixels, as it is seen; null for what is no picture.
    #[must_use]
    pub fn width(&self) -> Option<i32> {
        self.0.file.width
    }

    /// A picture's height in pixels, as it is seen; null for what is no picture.
    #[must_use]
    pub fn height(&self) -> Option<i32> {
        self.0.file.height
    }

    /// What its owner called it.
    #[must_use]
    pub fn file_name(&self) -> &str {
        &self.0.file.file_name
    }

    /// Its media type, such as `image/jpeg`, found by looking at its bytes. Pictures are JPEG, PNG or GIF in sRGB, and text
    /// is UTF-8: other forms are converted.
    fn content_type(&self) -> &str {
        &self.0.content.content_type
    }

    /// Its bytes, as they are stored.
    #[must_use]
    pub fn size_bytes(&self) -> i64 {
        self.0.content.size_bytes
    }

    /// When it was uploaded.
    fn created_at(&self) -> DateTime {
        self.0.file.created_at.into()
    }
}

plain!(Media [|media: &Media| media.0.file.id.parts()] {
    "url" => url,
    "thumbnailUrl" => thumbnail_url,
    "width" => width,
    "height" => height,
    "fileName" => file_name,
    "contentType" => content_type,
    "sizeBytes" => size_bytes,
    "createdAt" => created_at,
});

/// What is to be sent straight to the storage.
#[derive(Clone, Debug, InputObject)]
pub struct UploadTicketInput {
    /// What to call it; shown, and never used to find anything.
    pub file_name: String,
    /// Its media type, such as `video/mp4`; the bytes have to be of this type.
    pub content_type: String,
    /// Its bytes, 1 to 20971520 (20 MiB); exactly so many have to be sent.
    pub size_bytes: i32,
}

/// Leave to send a file straight to the storage.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct UploadTicket {
    /// Where to send the bytes with one `PUT`; the signature in it is good for this file alone.
    upload_url: Url,
    /// For `completeUpload` once the bytes were sent.
    upload_token: String,
    /// Where files are read from; urls of files begin with it.
    access_domain: Url,
    /// Headers that have to be sent along, by name, such as `{"Content-Type": "video/mp4"}`. `Content-Length` has to be
    /// `sizeBytes`, as browsers make it by themselves.
    headers: Json,
    /// Leads to the file once the upload is completed; nothing is there before.
    file_url: Url,
    /// Until when the bytes may be sent: an hour.
    expires_at: DateTime,
}

impl UploadTicket {
    /// A ticket as the API speaks it.
    #[must_use]
    pub fn new(ticket: IssuedTicket, public_url: &str) -> Self {
        let content_type = async_graphql::Value::from(ticket.content_type);
        Self {
            upload_url: Url(ticket.upload_url),
            upload_token: ticket.upload_token,
            access_domain: Url(public_url.to_owned()),
            headers: Json([(async_graphql::Name::new("Content-Type"), content_type)].into_iter().collect()),
            file_url: Url(ticket.file_url),
            expires_at: ticket.expires_at.into(),
        }
    }
}

/// A file, or why there is none.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct MediaPayload {
    /// The file; null when it was refused.
    media: Option<Media>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<model::Media> for MediaPayload {
    fn from(media: model::Media) -> Self {
        Self { media: Some(media.into()), user_errors: Vec::new() }
    }
}

impl Payload for MediaPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { media: None, user_errors }
    }
}

/// Files, or why there are none.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct MediaListPayload {
    /// The files, in the order of the argument; empty when any was refused.
    media: Vec<Media>,
    /// Why they were refused: the file at fault stands in `field`, such as `["files", "0"]`.
    user_errors: Vec<UserErrorObject>,
}

impl From<Vec<model::Media>> for MediaListPayload {
    fn from(media: Vec<model::Media>) -> Self {
        Self { media: media.into_iter().map(Into::into).collect(), user_errors: Vec::new() }
    }
}

impl Payload for MediaListPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { media: Vec::new(), user_errors }
    }
}

/// Leave to send a file, or why there is none.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct UploadTicketPayload {
    /// The ticket; null when it was refused.
    ticket: Option<UploadTicket>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<UploadTicket> for UploadTicketPayload {
    fn from(ticket: UploadTicket) -> Self {
        Self { ticket: Some(ticket), user_errors: Vec::new() }
    }
}

impl Payload for UploadTicketPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { ticket: None, user_errors }
    }
}

/// Parses file ids of an input; malformed ids become distinct ids that match no file.
#[must_use]
pub fn pictures(ids: Vec<ID>) -> Vec<MediaId> {
    // Distinct, so that each gets its own error.
    let none = (1..).map(|n| MediaId(-n));
    ids.into_iter().zip(none).map(|(id, none)| MediaId::parse(&id).unwrap_or(none)).collect()
}

/// Parses a file id of an input; a malformed id becomes one that matches no file.
#[must_use]
pub fn picture(id: &ID) -> MediaId {
    MediaId::parse(id).unwrap_or(MediaId(0))
}
