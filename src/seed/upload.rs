//! Painted pictures, uploaded through the use case.

use std::io::{Seek, Write};
use std::sync::Arc;

use super::picture;
use crate::app::App;
use crate::auth::{Requester, Viewer};
use crate::domains::media::model::UploadedFile;
use crate::domains::media::service as media;
use crate::error::{AppError, AppResult};
use crate::ids::MediaId;
use crate::scope::Scope;

/// Paints a picture and uploads it as a user's file.
pub(super) async fn upload(scope: &Scope, subject: &str, seed: u64) -> AppResult<MediaId> {
    let name = format!("{subject}.png");
    let pictures = subject.to_owned();
    let file = tokio::task::spawn_blocking(move || paint(&pictures, seed)).await.map_err(AppError::internal)??;
    let sent = UploadedFile { file, name, declared_type: Some("image/png".into()), path: String::new() };
    let media = media::upload_files(scope, vec![sent]).await?;
    media.first().map(|media| media.file.id).ok_or_else(|| AppError::internal("a picture was lost"))
}

fn paint(subject: &str, seed: u64) -> AppResult<std::fs::File> {
    let picture = picture::paint(subject, seed);
    let mut file = tempfile::tempfile().map_err(AppError::internal)?;
    let mut encoder = png::Encoder::new(&mut file, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().map_err(AppError::internal)?;
    writer.write_image_data(&picture.pixels).map_err(AppError::internal)?;
    writer.finish().map_err(AppError::internal)?;
    file.flush().and_then(|()| file.rewind()).map_err(AppError::internal)?;
    Ok(file)
}

/// A scope with a viewer.
pub(super) fn scope_for(app: &Arc<App>, viewer: Viewer) -> Scope {
    Scope::new(Arc::clone(app), Requester { viewer: Some(viewer), ..Requester::anonymous() })
}
