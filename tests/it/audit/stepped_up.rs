//! Shows what is written down of a login for which a session was to be stepped up. Does not know how it is stepped up.

use std::time::Duration;

use gatelodge_client::v1;
use gatelodge_client::v1::{AuditAction, AuditOutcome};

use super::{ALL, listed, of};
use crate::sessions::door::Door;
use crate::sessions::step_up::{acr, begin, come_back, query, says, session_id};
use crate::world::{Kept, on_every_store};

on_every_store! {
    a_step_up_is_written_down_as_one_and_a_session_of_its_own_as_a_login
}

async fn a_step_up_is_written_down_as_one_and_a_session_of_its_own_as_a_login(kept: Kept) {
    let mut door = Door::open(kept, |settings| settings.audit = Some(ALL)).await;
    let mut browser = door.browser.clone();
    let id = session_id(&mut door, &browser).await;
    for (asked, said, sub) in [("2", "1", "ada"), ("2", "2", "ada"), ("3", "3", "grace")] {
        door.world.clock.advance(Duration::from_secs(1));
        let query = query(&mut door, &browser, acr(&[asked])).await;
        let mut began = begin(&door, &browser, &query).await;
        says(&door, said);
        come_back(&door, &mut began, sub).await;
        browser = began.browser;
    }
    let became = of(&[AuditAction::SteppedUp, AuditAction::LoginCompleted]);
    let entries = listed(&door.serving, became, 3).await;
    let expected = [
        (AuditAction::LoginCompleted, AuditOutcome::Done, "", "idp_grace"),
        (AuditAction::SteppedUp, AuditOutcome::Done, "", "idp_ada"),
        (AuditAction::SteppedUp, AuditOutcome::Failed, "authentication_unmet", "idp_ada"),
    ];
    let told = |entry: &v1::AuditEntry| (entry.action(), entry.outcome(), entry.reason.clone(), entry.user_id.clone());
    let all: Vec<_> = entries.iter().map(told).collect();
    assert_eq!(all[..3], expected.map(|(action, outcome, reason, user)| (action, outcome, reason.into(), user.into())));
    assert_eq!(entries[1].session_id, id);
    assert_ne!(entries[0].session_id, id);
}
