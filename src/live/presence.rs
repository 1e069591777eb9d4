//! Who comes online and goes offline, as their friends are told: past the stream, without a place in it, and never again.
//!
//! Every instance knows who is online anywhere ([`PresenceBoard`](crate::events::presence::PresenceBoard)). Where people follow it
//! here, changes are handed out in a constant number of statements for all that came at once, and none for each subscriber. Who is
//! told is decided by the database as it is at that moment.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use tokio::sync::mpsc;

use super::Live;
use super::place::HubPlace;
use crate::domains::accounts::model::User;
use crate::domains::presence::model::{Presence, PresenceVisibility};
use crate::domains::{accounts, media, presence};
use crate::error::AppResult;
use crate::events::presence::PresenceChange;
use crate::ids::{MediaId, UserId};

/// Changes that are handed out together.
const BATCH_LIMIT: usize = 4096;

/// Changes are handed out at most once in this time: who comes and goes within it is told once.
const BATCH_INTERVAL: Duration = Duration::from_millis(250);

/// That a person came online or went offline, shared by all who are told.
#[derive(Debug)]
pub struct PresenceNotice {
    /// Who.
    pub user: Arc<User>,
    /// Whether they are online; none where they no longer let friends see it.
    pub presence: Option<Presence>,
}

/// Hands out who comes and goes, until told to stop.
pub(super) async fn run(live: Arc<Live>) {
    loop {
        let changes = tokio::select! {
            () = live.app.stop.cancelled() => return,
            changes = live.app.events.presence.changes(BATCH_LIMIT) => changes,
        };
        if let Err(error) = hand_out(&live, changes).await {
            tracing::debug!(cause = %error.describe(), "who is online can't be told just now");
        }
        tokio::time::sleep(BATCH_INTERVAL).await;
    }
}

/// No statement where presence is not followed here.
async fn hand_out(live: &Live, changes: HashMap<UserId, PresenceChange>) -> AppResult<()> {
    let followers = live.hub.presence_followers();
    if followers.is_empty() {
        return Ok(());
    }
    let people: Vec<UserId> = changes.keys().copied().collect();
    let lease = live.app.database.reading_lease();
    let conn = lease.read().await?;
    let mut told = presence::service::list_followers(&conn, &people, &followers).await?;
    // Of a user who hides it, friends are told that it is hidden now, and not what the user does.
    told.retain(|told| {
        told.visibility != PresenceVisibility::Nobody || changes.get(&told.user) == Some(&PresenceChange::Setting)
    });
    if told.is_empty() {
        return Ok(());
    }
    let mut users: Vec<UserId> = told.iter().map(|told| told.user).collect();
    users.sort_unstable();
    users.dedup();
    let users = accounts::service::load_users(&conn, &users).await?;
    // Clients show them beside the name.
    let avatars: Vec<MediaId> = users.values().filter_map(|user| user.avatar_id).collect();
    media::service::preload(&live.app, &conn, &avatars).await?;
    let mut notices: HashMap<UserId, Arc<PresenceNotice>> = HashMap::new();
    for told in told {
        let Some(user) = users.get(&told.user) else { continue };
        let notice = notices.entry(told.user).or_insert_with(|| {
            let is_visible = told.visibility != PresenceVisibility::Nobody;
            let presence = || presence::service::find_presence(&live.app, told.user, told.last_used_at);
            Arc::new(PresenceNotice { user: Arc::clone(user), presence: is_visible.then(presence) })
        });
        live.hub.tell_presence(told.follower, notice);
    }
    Ok(())
}

/// A person's subscription to presence. Dropping it takes it off the hub.
pub struct PresenceSubscription {
    queue: mpsc::Receiver<Arc<PresenceNotice>>,
    _place: HubPlace,
}

impl PresenceSubscription {
    /// Subscribes a person from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(live: Arc<Live>, user: UserId) -> AppResult<Self> {
        let place = HubPlace::open(Arc::clone(&live), user).await?;
        Ok(Self { queue: live.hub.follow_presence(user, place.id), _place: place })
    }

    /// The subscription as a stream without an end.
    pub fn into_stream(self) -> impl Stream<Item = Arc<PresenceNotice>> + Send {
        futures_util::stream::unfold(self, |mut subscription| async move {
            subscription.queue.recv().await.map(|notice| (notice, subscription))
        })
    }
}
