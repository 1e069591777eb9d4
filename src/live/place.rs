//! A place in the hub, of a subscription apart from the stream.

use std::sync::Arc;

use super::hub::SubscriberId;
use super::{Live, topics};
use crate::error::AppResult;
use crate::events::presence::Arrival;
use crate::ids::UserId;

/// A person's place in the hub, with their topics. Dropping it takes it off.
pub(super) struct HubPlace {
    live: Arc<Live>,
    user: UserId,
    /// Names it in the hub.
    pub id: SubscriberId,
    _arrival: Arrival,
}

impl HubPlace {
    /// Registers a person, who is online for as long.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(live: Arc<Live>, user: UserId) -> AppResult<Self> {
        let (id, load) = live.hub.register(user);
        let arrival = live.app.events.presence.arrive(user);
        // From here on the drop unregisters it, also after an error.
        let place = Self { live, user, id, _arrival: arrival };
        if load {
            let live = &place.live;
            let topics = topics::list_topics(&live.app.database.lease(), user).await?;
            live.hub.set_topics(user, topics);
        }
        Ok(place)
    }
}

impl Drop for HubPlace {
    fn drop(&mut self) {
        self.live.hub.unregister(self.user, self.id);
    }
}
