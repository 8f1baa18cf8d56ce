//! Owns the reading of a login request: which provider, where to go afterwards, what is asked of the login. Does not know
//! how a login begins.

use std::sync::Arc;
use std::time::Duration;

use super::Authority;
use super::api_answer::FRONT_END;
use super::login_answer::{LoginFailure, Refusal};
use super::provider::IdentityProvider;
use super::settings::LoginSet;
use super::start_login::Question;
use crate::session::key::SessionKey;
use crate::session::login_wish::{LoginHints, Prompt, is_hint, values};
use crate::session::need::LoginNeeds;
use crate::session::parameters::Parameters;
use crate::session::step_up::StepUp;

/// What a login request asks for, read and allowed.
pub(super) struct Wish {
    pub(super) provider: Arc<dyn IdentityProvider>,
    pub(super) return_to: Option<String>,
    pub(super) remember: bool,
    /// What is checked when the user is back.
    pub(super) needs: LoginNeeds,
    /// The session to step up, which the browser holds.
    pub(super) step_up: Option<SessionKey>,
    pub(super) hints: LoginHints,
}

impl Authority {
    /// Reads a login request. What it does not know it passes over: a link to a login may carry whatever its page put there,
    /// and a provider gets nothing of it that its configuration does not name.
    pub(super) fn read_wish(&self, question: &Question) -> Result<Wish, Refusal> {
        let query = Parameters::form(&question.query, self.settings.limits.query_bytes)
            .map_err(|cause| Refusal::malformed(cause.to_string()))?;
        let (is_web, is_api) = (question.set == LoginSet::Web, question.set == LoginSet::Api);
        let default = self.settings.spa.as_ref().filter(|_| question.set == LoginSet::Spa);
        let default = default.and_then(|spa| spa.provider.as_deref()).filter(|_| question.provider.is_empty());
        let provider = if is_api {
            self.known_provider(&question.provider)?
        } else {
            self.wanted_provider(&question.provider, given(&query, "provider").or(default).unwrap_or_default())?
        };
        if !is_web && provider.info().form_post {
            return Err(Refusal::malformed(
                "This provider posts its answers, which a front end's page can't read: begin at /auth/web/login",
            ));
        }
        let return_to = match question.set {
            LoginSet::Web => self.wanted_place(given(&query, "redirect_uri"), "redirect_uri")?,
            LoginSet::Api => {
                let asked = given(&query, FRONT_END).ok_or_else(|| self.front_end_missing())?;
                self.wanted_place(Some(asked), FRONT_END)?
            }
            // A front end that forwards the code goes on by itself.
            LoginSet::Spa => None,
        };
        let remember = match query.get("remember_me").unwrap_or_default() {
            "" | "false" | "0" | "off" => false,
            "true" | "1" | "on" => true,
            _ => return Err(Refusal::malformed("The parameter remember_me is neither true nor false")),
        };
        let step_up = self.wanted_step_up(&query)?;
        let prompt = prompt(&query)?;
        let needs = needs(&query, step_up.as_ref(), prompt.as_ref())?;
        let hints = hints(&query, prompt, &provider.info().extra_parameters, &needs)?;
        let held = self.choose(&question.presented).ok();
        let step_up = step_up.filter(|step_up| held.is_some_and(|held| step_up.is_for(&held.credential)));
        let step_up = step_up.map(|step_up| step_up.session);
        Ok(Wish {
            provider,
            return_to,
            remember: remember && question.set != LoginSet::Spa,
            needs,
            step_up: step_up.filter(|_| is_web),
            hints,
        })
    }

    /// The allowed place that a parameter asks for, if it asks for any.
    pub(super) fn wanted_place(&self, asked: Option<&str>, parameter: &'static str) -> Result<Option<String>, Refusal> {
        let allow = |asked: &str| self.settings.places.allow(asked.as_bytes());
        asked.map(|asked| allow(asked).ok_or_else(|| self.place_refused(parameter, asked))).transpose()
    }

    /// The one provider of this name.
    pub(super) fn known_provider(&self, name: &[u8]) -> Result<Arc<dyn IdentityProvider>, Refusal> {
        let named = std::str::from_utf8(name).ok().and_then(|name| self.ports.providers.get(name));
        named.ok_or_else(|| self.provider_unknown())
    }

    fn wanted_provider(&self, in_path: &[u8], in_query: &str) -> Result<Arc<dyn IdentityProvider>, Refusal> {
        let in_path = std::str::from_utf8(in_path).map_err(|_| self.provider_unknown())?;
        match (in_path, in_query) {
            ("", "") => match self.ports.providers.all().as_slice() {
                [only] => Ok(Arc::clone(only)),
                _ => Err(self.provider_unknown()),
            },
            (name, "") | ("", name) => self.ports.providers.get(name).ok_or_else(|| self.provider_unknown()),
            _ => Err(self.provider_unknown()),
        }
    }

    fn wanted_step_up(&self, query: &Parameters) -> Result<Option<StepUp>, Refusal> {
        let Some(text) = given(query, "step_up") else { return Ok(None) };
        let ours = self.vault.open_step_up(text).filter(|step_up| step_up.session.tenant == self.settings.tenant);
        let step_up =
            ours.ok_or_else(|| Refusal::malformed("The parameter step_up is none that was given out here"))?;
        if self.ports.clock.now() >= step_up.expires {
            return Err(LoginFailure::Expired.into());
        }
        Ok(Some(step_up))
    }

    /// No one provider was named, with those that are known.
    fn provider_unknown(&self) -> Refusal {
        let mut refusal = Refusal::from(LoginFailure::ProviderUnknown);
        let names: Vec<_> = self.ports.providers.all().iter().map(|provider| provider.info().name.clone()).collect();
        let remedy = &mut refusal.trouble.remedy;
        *remedy = if names.is_empty() {
            "No provider is configured, so nobody can log in.".to_owned()
        } else {
            format!("{remedy} Known providers: {}.", names.join(", "))
        };
        refusal
    }
}

fn given<'a>(query: &'a Parameters, name: &str) -> Option<&'a str> {
    query.get(name).filter(|value| !value.is_empty())
}

fn prompt(query: &Parameters) -> Result<Option<Prompt>, Refusal> {
    let Some(text) = given(query, "prompt") else { return Ok(None) };
    let read = Prompt::read(text).ok_or_else(|| {
        Refusal::malformed(
            "The parameter prompt is neither `none` nor a list of login, consent, select_account, create",
        )
    });
    read.map(Some)
}

/// What is asked of the login. What a step-up asks for is sealed, and nothing beside it makes it less. Whoever wants the
/// user to log in (`prompt=login`) gets no login for which they did not (security.md 8).
fn needs(query: &Parameters, step_up: Option<&StepUp>, prompt: Option<&Prompt>) -> Result<LoginNeeds, Refusal> {
    let max_age = given(query, "max_age").map(str::parse::<u32>).transpose();
    let max_age = max_age.map_err(|_| Refusal::malformed("The parameter max_age is no number of seconds"))?;
    let max_age = max_age.map(|seconds| Duration::from_secs(seconds.into()));
    let acr_values = given(query, "acr_values").map_or_else(|| Some(Vec::new()), values);
    let acr_values = acr_values.ok_or_else(|| {
        Refusal::malformed("The parameter acr_values is no list of a few short values with spaces between")
    })?;
    let is_asked_anew = prompt.is_some_and(Prompt::asks_anew) && !step_up.is_some_and(|step_up| step_up.prompts);
    let asked = step_up.map(|step_up| step_up.needs.clone()).unwrap_or_default();
    let ages = [asked.max_age, max_age, is_asked_anew.then_some(Duration::ZERO)];
    Ok(LoginNeeds {
        acr_values: if asked.acr_values.is_empty() { acr_values } else { asked.acr_values },
        amr_values: asked.amr_values,
        max_age: ages.into_iter().flatten().min(),
    })
}

fn hints(
    query: &Parameters,
    prompt: Option<Prompt>,
    extra_parameters: &[String],
    needs: &LoginNeeds,
) -> Result<LoginHints, Refusal> {
    let hint = |name: &str| match given(query, name) {
        Some(text) if is_hint(text) => Ok(Some(text.to_owned())),
        Some(_) => Err(Refusal::malformed(format!("The parameter {name} is too long, or no plain text"))),
        None => Ok(None),
    };
    let extra = extra_parameters.iter().map(|name| Ok(hint(name)?.map(|value| (name.clone(), value))));
    Ok(LoginHints {
        prompt,
        login_hint: hint("login_hint")?,
        ui_locales: hint("ui_locales")?,
        acr_values: needs.acr_values.clone(),
        extra: extra.filter_map(Result::transpose).collect::<Result<_, Refusal>>()?,
    })
}
