//! Owns the cookies that hold a browser's bindings: one for logins that come back by a link, and one for those that come back
//! by a form which the provider has the browser post. Does not know what a binding is worth.

use std::time::Duration;

use super::{Authority, Presented};
use crate::session::binding::Binding;
use crate::session::cookie;

impl Authority {
    /// Every valid binding among the cookies.
    pub(super) fn bindings(&self, presented: &Presented) -> Vec<Binding> {
        [false, true].into_iter().flat_map(|form_post| self.bindings_of(presented, form_post)).collect()
    }

    /// Those for one way of coming back. The two are different secrets: what another site can have a browser bring is good
    /// for no login that comes back by a link (security.md 21).
    pub(super) fn bindings_of(&self, presented: &Presented, form_post: bool) -> Vec<Binding> {
        let name = self.settings.binding_cookie_name(form_post);
        let cookies = presented.cookies.iter().filter(|cookie| cookie.name == name).take(self.settings.limits.cookies);
        cookies.filter_map(|cookie| Binding::read(&cookie.value, &self.vault.binding)).collect()
    }

    /// The cookie that brings a binding back.
    pub(super) fn binding_cookie(&self, binding: &Binding, form_post: bool, lifetime: Duration) -> String {
        let name = self.settings.binding_cookie_name(form_post);
        let value = binding.text(&self.vault.binding);
        if form_post {
            cookie::set_for_posts(&name, &value, lifetime)
        } else {
            cookie::set(&name, &value, lifetime, self.settings.is_secure())
        }
    }
}
