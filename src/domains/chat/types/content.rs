//! What a message holds, as the viewer sees it.

use async_graphql::{Context, Object, SimpleObject, Union};

use super::card::CardContent;
use super::system::SystemContent;
use crate::domains::accounts::types::profile::Coordinates;
use crate::domains::chat::model::{AttachedFile, Content};
use crate::domains::media::loader::MediaById;
use crate::domains::media::types::Media;
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{Concrete, one_of, plain, plain_struct};
use crate::graphql::scalars::Url;
use crate::ids::UserId;

/// What a message says; later releases add kinds, so have a default branch, and show it as `UnsupportedContent`. The files of a
/// page of messages cost one statement, unless all were seen lately.
#[derive(Clone, Debug, Union)]
#[graphql(crate = "crate::graphql::eager")]
pub enum MessageContent {
    /// Words.
    Text(TextContent),
    /// A picture.
    Picture(PictureContent),
    /// Sound.
    Voice(VoiceContent),
    /// Moving pictures.
    Video(VideoContent),
    /// A place.
    Location(LocationContent),
    /// Any file.
    File(FileContent),
    /// Something of Plaza's own.
    Card(CardContent),
    /// What happened to members of the group.
    System(SystemContent),
    /// What this version of the server can't show.
    Unsupported(UnsupportedContent),
}

impl MessageContent {
    /// A content that this user sent.
    #[must_use]
    pub fn of(content: Content, sender: UserId) -> Self {
        let shown = |file: AttachedFile| ShownFile { file, sender };
        match content {
            Content::Text { text } => Self::Text(TextContent { text }),
            Content::Picture(file) => Self::Picture(PictureContent(shown(file))),
            Content::Voice(file) => Self::Voice(VoiceContent(shown(file))),
            Content::Video(file) => Self::Video(VideoContent(shown(file))),
            Content::File(file) => Self::File(FileContent(shown(file))),
            Content::Location(place) => Self::Location(LocationContent {
                coordinates: place.point().into(),
                name: place.name,
                address: place.address,
            }),
            Content::System(note) => Self::System(SystemContent { note, actor: sender }),
            Content::Card(target) => Self::Card(CardContent(target)),
            Content::Unknown { tag } => Self::Unsupported(UnsupportedContent { content_type: tag }),
        }
    }

    /// As a field's value.
    #[must_use]
    pub fn concrete(content: Content, sender: UserId) -> Concrete<Self> {
        Concrete(Self::of(content, sender))
    }
}

plain_struct!(TextContent { "text" => text });
plain_struct!(LocationContent { "name" => name, "address" => address });
plain_struct!(UnsupportedContent { "contentType" => content_type });
plain!(PictureContent {
    "localPath" => local_path,
});
plain!(VoiceContent {
    "durationSeconds" => duration_seconds,
    "localPath" => local_path,
});
plain!(VideoContent {
    "durationSeconds" => duration_seconds,
    "localPath" => local_path,
});
plain!(FileContent {
    "localPath" => local_path,
});

one_of!(MessageContent {
    Text(TextContent),
    Picture(PictureContent),
    Voice(VoiceContent),
    Video(VideoContent),
    Location(LocationContent),
    File(FileContent),
    Card(CardContent),
    System(SystemContent),
    Unsupported(UnsupportedContent),
});

/// Words.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct TextContent {
    /// The words, 1 to 8,000 characters.
    text: String,
}

/// A file that a message shows, and who sent it.
#[derive(Clone, Debug)]
struct ShownFile {
    file: AttachedFile,
    sender: UserId,
}

impl ShownFile {
    async fn media(&self, ctx: &Context<'_>) -> AppResult<Media> {
        ctx.loaders()?.get::<MediaById>(self.file.media).await.map(Media)
    }

    /// For the sender alone. Where there is none, the answer is the same for all viewers and is shared among them.
    fn local_path(&self, ctx: &Context<'_>) -> Option<AppResult<&str>> {
        let path = self.file.local_path.as_deref()?;
        let is_sender = ctx.viewer().map(|viewer| viewer.user_id == self.sender);
        is_sender.map(|is_sender| is_sender.then_some(path)).transpose()
    }
}

/// A picture.
#[derive(Clone, Debug)]
pub struct PictureContent(ShownFile);

/// A picture.
#[Object(crate = "crate::graphql::eager")]
impl PictureContent {
    /// Where it is; absolute. May be cached for ever.
    async fn url(&self, ctx: &Context<'_>) -> AppResult<Url> {
        self.0.media(ctx).await?.url(ctx)
    }

    /// Where a small picture of it is, at most 320 pixels a side.
    async fn thumbnail_url(&self, ctx: &Context<'_>) -> Option<AppResult<Url>> {
        async { self.0.media(ctx).await?.thumbnail_url(ctx).transpose() }.await.transpose()
    }

    /// Its width in pixels, as it is seen.
    async fn width(&self, ctx: &Context<'_>) -> Option<AppResult<i32>> {
        self.0.media(ctx).await.map(|media| media.width(ctx)).transpose()
    }

    /// Its height in pixels, as it is seen.
    async fn height(&self, ctx: &Context<'_>) -> Option<AppResult<i32>> {
        self.0.media(ctx).await.map(|media| media.height(ctx)).transpose()
    }

    /// Where the sender's device has it, as that said; null for all other viewers.
    fn local_path(&self, ctx: &Context<'_>) -> Option<AppResult<&str>> {
        self.0.local_path(ctx)
    }
}

/// Sound.
#[derive(Clone, Debug)]
pub struct VoiceContent(ShownFile);

/// Sound.
#[Object(crate = "crate::graphql::eager")]
impl VoiceContent {
    /// Where it is; absolute. May be cached for ever.
    async fn url(&self, ctx: &Context<'_>) -> AppResult<Url> {
        self.0.media(ctx).await?.url(ctx)
    }

    /// How long it plays, as the sender's device said: to be shown, not to be relied on. Null when that was not said.
    fn duration_seconds(&self) -> Option<i32> {
        self.0.file.duration_seconds
    }

    /// Where the sender's device has it, as that said; null for all other viewers.
    fn local_path(&self, ctx: &Context<'_>) -> Option<AppResult<&str>> {
        self.0.local_path(ctx)
    }
}

/// Moving pictures. The server makes no still picture of them: players show the first frame.
#[derive(Clone, Debug)]
pub struct VideoContent(ShownFile);

/// Moving pictures. The server makes no still picture of them: players show the first frame.
#[Object(crate = "crate::graphql::eager")]
impl VideoContent {
    /// Where it is; absolute. May be cached for ever.
    async fn url(&self, ctx: &Context<'_>) -> AppResult<Url> {
        self.0.media(ctx).await?.url(ctx)
    }

    /// How long it plays, as the sender's device said: to be shown, not to be relied on. Null when that was not said.
    fn duration_seconds(&self) -> Option<i32> {
        self.0.file.duration_seconds
    }

    /// Where the sender's device has it, as that said; null for all other viewers.
    fn local_path(&self, ctx: &Context<'_>) -> Option<AppResult<&str>> {
        self.0.local_path(ctx)
    }
}

/// A place, exactly as the sender gave it.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct LocationContent {
    /// Where it is.
    coordinates: Coordinates,
    /// What it is called; null when that was not said.
    name: Option<String>,
    /// Its address; null when that was not said.
    address: Option<String>,
}

/// A file of any kind, to be downloaded.
#[derive(Clone, Debug)]
pub struct FileContent(ShownFile);

/// A file of any kind, to be downloaded.
#[Object(crate = "crate::graphql::eager")]
impl FileContent {
    /// Where it is; absolute. May be cached for ever. A document's ends in `?name=` and the name under which browsers save it.
    async fn url(&self, ctx: &Context<'_>) -> AppResult<Url> {
        let media = self.0.media(ctx).await?;
        media.url_named(ctx, self.0.file.file_name.as_deref())
    }

    /// What the sender calls it; the file's own name when the message gives none.
    async fn file_name(&self, ctx: &Context<'_>) -> AppResult<String> {
        match &self.0.file.file_name {
            Some(name) => Ok(name.clone()),
            None => self.0.media(ctx).await.map(|media| media.file_name(ctx).to_owned()),
        }
    }

    /// Its bytes, as they are stored.
    async fn size_bytes(&self, ctx: &Context<'_>) -> AppResult<i64> {
        self.0.media(ctx).await.map(|media| media.size_bytes(ctx))
    }

    /// Where the sender's device has it, as that said; null for all other viewers.
    fn local_path(&self, ctx: &Context<'_>) -> Option<AppResult<&str>> {
        self.0.local_path(ctx)
    }
}

/// Content that this version of the server doesn't know, while the server is being updated. Show a line in the message's
/// place, such as "This message can't be shown yet", with its sender and its time, and fetch it again later.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct UnsupportedContent {
    /// The content's type as newer versions name it, such as `IMAGE`: for logs, not for people; empty when unknown.
    content_type: String,
}
