//! Owns the use case ListUsers: users, a page at a time. Does not know how it was asked.

use super::get_user::UserView;
use super::unreadable::Unreadable;
use super::{Authority, Error};

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// How many to list at most.
    pub page_size: usize,
    /// Where to go on; empty for the start.
    pub page_token: String,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its users.
    pub users: Vec<UserView>,
    /// Where to go on; empty when there is no more.
    pub next_page_token: String,
    /// What of the page does not open.
    pub unreadable: Unreadable,
}

const FILTER: [&str; 1] = ["users"];

impl Authority {
    /// Lists users. One whose record does not open hides none of the others: the log names it.
    ///
    /// # Errors
    /// When a field is not right, or the store can't say.
    pub async fn list_users(&self, question: &Question) -> Result<Page, Error> {
        let from = self.read_page_token(&question.page_token, &FILTER)?;
        let page = self.ports.users.users(self.settings.tenant, from, question.page_size).await?;
        let mut unreadable = Unreadable::default();
        let open = |(user, kept)| match self.open_user(&user, &kept) {
            Ok(view) => Some(view),
            Err(error) => {
                unreadable.note(&error);
                let error = &error as &dyn std::error::Error;
                tracing::warn!(partition = user.partition.number(), error, "a user can't be listed");
                None
            }
        };
        let next_page_token = page.next.map(|next| self.page_token(&next, &FILTER)).unwrap_or_default();
        let users = page.users.into_iter().filter_map(open).collect();
        Ok(Page { users, next_page_token, unreadable })
    }
}
