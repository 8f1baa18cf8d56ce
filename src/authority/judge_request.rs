//! Owns the judgement of a request that a living session makes: what came with it, and what it needs. Does not know what
//! is answered to one that may not go ahead.

use super::Authority;
use super::admit::Admitted;
use super::validate_session::{CsrfRequirement, DeniedReason, Judged, Requirements};
use crate::session::fingerprint::Comparison;
use crate::session::need::Facts;
use crate::session::origin::{self, OriginJudgement};
use crate::session::request::RequestContext;
use crate::session::{csrf, rotation};

impl Authority {
    /// Judges what a request needs, in the order in which a person would mend it.
    pub(super) fn judge_request(
        &self,
        admitted: &Admitted,
        requirements: &Requirements,
        context: Option<&RequestContext>,
    ) -> Result<Judged, DeniedReason> {
        let (mut judged, now) = (Judged::default(), admitted.judged_at);
        if let Comparison::Matched | Comparison::Differed = admitted.fingerprint.comparison {
            judged.fingerprint = Some(admitted.fingerprint.comparison);
            judged.client_network = admitted.fingerprint.network;
        }
        if let Some(context) = context {
            self.judge_source(admitted, requirements.csrf, context, &mut judged)?;
        }
        if let Some(missing) = requirements.needs.missing(&Facts::from(&admitted.standing.identity), now) {
            return Err(DeniedReason::Missing(missing));
        }
        Ok(judged)
    }

    /// CSRF and origin (contract.md, 6): unsafe methods need both; an upgrade is judged by its origin alone.
    fn judge_source(
        &self,
        admitted: &Admitted,
        requirement: CsrfRequirement,
        context: &RequestContext,
        judged: &mut Judged,
    ) -> Result<(), DeniedReason> {
        let upgrade = context.is_upgrade();
        let needed = match requirement {
            CsrfRequirement::ByMethod => !context.is_safe() || upgrade,
            CsrfRequirement::Required => true,
            CsrfRequirement::NotRequired => false,
        };
        if !needed {
            return Ok(());
        }
        match origin::judge(context, &self.settings.public_base_url, &self.settings.csrf.allowed_origins) {
            OriginJudgement::Refused => return Err(DeniedReason::OriginRefused),
            OriginJudgement::Passed => judged.origin = true,
            OriginJudgement::Silent => (),
        }
        if upgrade && requirement == CsrfRequirement::ByMethod {
            return Ok(());
        }
        let (key, header, since) =
            (&admitted.credential.key, &admitted.record.header, admitted.standing.generation_since);
        let (now, max_age) = (admitted.judged_at, self.settings.csrf.max_age);
        let generations = rotation::generations(header, since, now, &self.settings.rotation);
        csrf::judge(context.csrf_token.as_deref(), key, &generations, now, max_age, &self.vault.csrf)
            .map_err(DeniedReason::Csrf)?;
        judged.csrf = true;
        Ok(())
    }
}
