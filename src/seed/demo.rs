//! Demo data: a neighbourhood that sells, looks for, likes, helps and talks, so that the first query has something to show.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use serde::Deserialize;

use super::contents::{self, DemoContents};
use super::friends::{self, DemoFriends};
use super::groups::{self, DemoGroups};
use super::marks::{self, DemoMarks};
use super::merchants::{self, DemoMerchant};
use super::settings::DemoSetting;
use super::transactions::{self, DemoTransactions};
use super::upload::{scope_for, upload};
use crate::app::App;
use crate::auth::{Requester, Viewer};
use crate::config::Config;
use crate::db::SingleTransaction;
use crate::domains::accounts::model::{Device, Platform, Registration, UpdatePlace, UpdateProfile};
use crate::domains::accounts::service::{self as accounts, profile, register};
use crate::domains::chat::model::{Content, Draft, Target};
use crate::domains::chat::service::{find_conversation_with, send, settings};
use crate::domains::favorites::service as favorites;
use crate::domains::friends::service::profiles::follow;
use crate::domains::items::model::{CreateItem, ItemDirection};
use crate::domains::items::service::edit;
use crate::domains::nearby::model::PositionVisibility;
use crate::error::{AppError, AppResult};
use crate::geo::GeoPoint;
use crate::ids::{ItemId, MediaId, MessageId};
use crate::money::Money;
use crate::scope::Scope;
use crate::validation::Patch;

/// Password of all demo users.
pub const PASSWORD: &str = "plaza-demo";

const DATA: &str = include_str!("demo.json");

/// Concurrent uploads of pictures.
const CONCURRENT_UPLOADS_LIMIT: usize = 4;

/// Pictures of the same kind of thing that differ.
const VARIANTS: u64 = 1000;

#[derive(Deserialize)]
struct Demo {
    people: Vec<DemoUser>,
    items: Vec<DemoItem>,
    /// Favorites: username and title of the item.
    favorites: Vec<(String, String)>,
    /// Messages: sender, recipient and text.
    talk: Vec<(String, String, String)>,
    contents: DemoContents,
    marks: DemoMarks,
    /// What people chose for conversations: username, the other person, what.
    settings: Vec<(String, String, DemoSetting)>,
    friends: DemoFriends,
    groups: DemoGroups,
    transactions: DemoTransactions,
    merchants: Vec<DemoMerchant>,
}

#[derive(Deserialize)]
struct DemoUser {
    username: String,
    nickname: String,
    bio: String,
    city: String,
    /// Longitude and latitude.
    coordinates: (f64, f64),
}

#[derive(Deserialize)]
struct DemoItem {
    owner: String,
    title: String,
    note: String,
    category: i32,
    price: String,
    condition: i32,
    direction: String,
    picture: String,
}

/// The lock that is held while the demo data is added: a number that nothing else locks.
const ADVISORY_LOCK: i64 = 0x706c_617a_615f_6465;

/// Whether demo data may be added with these settings.
///
/// # Errors
/// Bad input under `PLAZA_PRODUCTION`.
pub fn check(config: &Config) -> AppResult<()> {
    if config.production {
        let message = "Demo data is refused under PLAZA_PRODUCTION: its people, an administrator among them, have a \
             published password.";
        return Err(AppError::bad_input(message));
    }
    Ok(())
}

/// Adds the demo data to a database without people; otherwise does nothing. True when it was added: all of it at once, so
/// that other processes that add it wait, and one that dies half way leaves nothing.
///
/// # Errors
/// Bad input under `PLAZA_PRODUCTION`; when the database or the storage fails.
pub async fn add_once(app: &Arc<App>) -> AppResult<bool> {
    check(&app.config)?;
    if accounts::any_user(app).await? {
        return Ok(false);
    }
    let transaction = SingleTransaction::begin(&app.database, ADVISORY_LOCK).await?;
    let within = App::build(app.config.clone(), transaction.database(), app.clock.clone()).await?;
    // Checked again under the lock.
    if accounts::any_user(&within).await? {
        return Ok(false);
    }
    add_all(&within).await?;
    transaction.commit().await?;
    app.events.wake_sequencer();
    Ok(true)
}

/// Adds the demo data through the use cases.
async fn add_all(app: &Arc<App>) -> AppResult<()> {
    let demo: Demo = serde_json::from_str(DATA).map_err(AppError::internal)?;
    let mut people: HashMap<&str, Viewer> = HashMap::new();
    for person in &demo.people {
        people.insert(&person.username, register(app, person).await?);
    }
    let scope_for = |username: &str| {
        let viewer = people.get(username).copied().ok_or_else(|| AppError::internal(format!("who is {username}?")))?;
        Ok::<_, AppError>((scope_for(app, viewer), viewer))
    };
    // Pictures take the longest: several are made at once, and the items put up in their order.
    let pictures = demo.items.iter().map(|item| {
        let scope = scope_for(&item.owner);
        async move { picture_of(&scope?.0, item).await }
    });
    let pictures: Vec<Vec<MediaId>> =
        futures_util::stream::iter(pictures).buffered(CONCURRENT_UPLOADS_LIMIT).try_collect().await?;
    let mut items: HashMap<&str, ItemId> = HashMap::new();
    for (item, images) in demo.items.iter().zip(pictures) {
        items.insert(&item.title, offer(&scope_for(&item.owner)?.0, item, images).await?);
    }
    for (username, title) in &demo.favorites {
        let item = items.get(title.as_str()).copied().ok_or_else(|| AppError::internal(format!("what is {title}?")))?;
        favorites::add(&scope_for(username)?.0, &[item]).await?;
    }
    let mut texts: HashMap<&str, MessageId> = HashMap::new();
    for (from, to, text) in &demo.talk {
        let draft = Draft::new(Target::User(scope_for(to)?.1.user_id), Content::Text { text: text.clone() });
        texts.insert(text, send::send_message(&scope_for(from)?.0, draft).await?.message.id);
    }
    contents::add(app, &people, &texts, &demo.contents).await?;
    for (username, other, setting) in &demo.settings {
        let (scope, _) = scope_for(username)?;
        let view = find_conversation_with(&scope, scope_for(other)?.1.user_id).await?;
        let view = view.ok_or_else(|| AppError::internal(format!("{username} and {other} have not talked")))?;
        settings::update(&scope, view.card.conversation.id, (*setting).into()).await?;
    }
    friends::add(app, &people, &demo.friends).await?;
    groups::add(app, &people, &mut texts, &demo.groups).await?;
    marks::add(app, &people, &texts, &demo.marks).await?;
    transactions::add(app, &people, &demo.transactions).await?;
    merchants::add(app, &people, &demo.transactions.administrator, &demo.merchants).await?;
    let (people, items, messages) = (people.len(), items.len(), demo.talk.len());
    tracing::info!(people, items, messages, "made demo data; every password is {PASSWORD}");
    Ok(())
}

async fn register(app: &Arc<App>, person: &DemoUser) -> AppResult<Viewer> {
    let scope = Scope::new(Arc::clone(app), Requester::anonymous());
    let registration = Registration {
        username: Some(person.username.clone()),
        password: PASSWORD.to_owned(),
        nickname: Some(person.nickname.clone()),
        device: Device { platform: Platform::Web, name: Some("demo".into()) },
        email: None,
        phone: None,
        email_code: None,
        phone_code: None,
        captcha: None,
    };
    let signed_in = register::register(&scope, registration).await?;
    // Its connection is the only one.
    drop(scope);
    let viewer = app.tokens.verify(&signed_in.tokens.access, app.clock.now())?;
    let place = UpdatePlace { city: Patch::Set(person.city.clone()), ..UpdatePlace::default() };
    let (longitude, latitude) = person.coordinates;
    let update = UpdateProfile {
        bio: Patch::Set(person.bio.clone()),
        place: Patch::Set(place),
        coordinates: Patch::Set(GeoPoint { longitude, latitude }),
        position_visibility: Patch::Set(PositionVisibility::Everybody),
        ..UpdateProfile::default()
    };
    profile::update_profile(&scope_for(app, viewer), update, follow).await?;
    Ok(viewer)
}

async fn picture_of(scope: &Scope, item: &DemoItem) -> AppResult<Vec<MediaId>> {
    match item.picture.as_str() {
        "none" => Ok(Vec::new()),
        subject => Ok(vec![upload(scope, subject, seed_of(&item.title)).await?]),
    }
}

async fn offer(scope: &Scope, item: &DemoItem, images: Vec<MediaId>) -> AppResult<ItemId> {
    let price = Money::parse(&item.price).ok_or_else(|| AppError::internal(format!("{} is no price", item.price)))?;
    let draft = CreateItem {
        title: item.title.clone(),
        category: item.category,
        price,
        condition: item.condition,
        note: item.note.clone(),
        direction: if item.direction == "WANT" { ItemDirection::Want } else { ItemDirection::Sell },
        images,
    };
    Ok(edit::create(scope, draft, None).await?.item.id)
}

/// Another picture for another title, and the same each time.
fn seed_of(title: &str) -> u64 {
    title.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into())) % VARIANTS
}

/// Adds the demo data, for the command.
///
/// # Errors
/// When there are people already, or the database fails.
pub async fn add(app: &Arc<App>) -> AppResult<()> {
    if add_once(app).await? {
        return Ok(());
    }
    Err(AppError::bad_input("The database has people already; demo data goes into an empty one."))
}
