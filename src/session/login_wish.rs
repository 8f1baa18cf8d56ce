//! Owns what a login request may ask of the provider: how it greets the user, and in which way they authenticate.
//! Does not know providers, nor how a request is read.

/// What a login asks of the provider beyond what every login does (OpenID Connect Core, 3.1.2.1). All of it is free text of
/// the browser's: what comes of it is checked when the user is back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginHints {
    /// What the provider shows.
    pub prompt: Option<Prompt>,
    /// Who is about to log in.
    pub login_hint: Option<String>,
    /// The languages of its pages, the preferred one first (BCP 47), with spaces between.
    pub ui_locales: Option<String>,
    /// Authentication context classes, the preferred one first.
    pub acr_values: Vec<String>,
    /// Parameters of the provider's own.
    pub extra: Vec<(String, String)>,
}

/// What the provider shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Nothing at all: whoever is not logged in there already is not logged in.
    None,
    /// These pages, in words of OpenID Connect.
    Pages(String),
}

/// The longest hint, and the longest value of a parameter of the provider's own.
const LONGEST: usize = 512;
/// How many authentication context classes or methods may be named.
pub const MOST_VALUES: usize = 10;
/// The longest of them.
pub const LONGEST_VALUE: usize = 128;
/// The pages that can be asked for (OpenID Connect Core, 3.1.2.1; Initiating User Registration).
const PAGES: [&str; 4] = ["login", "consent", "select_account", "create"];

/// Parameters of an authorization request that are nobody's to choose but ours, or that a login request means otherwise.
pub const RESERVED: [&str; 28] = [
    "acr_values",
    "claims",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "id_token_hint",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "provider",
    "redirect_uri",
    "registration",
    "remember_me",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "step_up",
    "tenant",
    "ui_locales",
];

impl Prompt {
    /// Reads the parameter; `None` for what is no such list.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let words: Vec<_> = text.split(' ').filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            ["none"] => Some(Self::None),
            [] => None,
            words => words.iter().all(|word| PAGES.contains(word)).then(|| Self::Pages(words.join(" "))),
        }
    }

    /// Whether the user has to authenticate, whoever is logged in at the provider.
    #[must_use]
    pub fn asks_anew(&self) -> bool {
        matches!(self, Self::Pages(pages) if pages.split(' ').any(|page| page == "login"))
    }

    /// The parameter's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::None => "none",
            Self::Pages(pages) => pages,
        }
    }
}

/// Whether a text can be passed on to a provider as a hint.
#[must_use]
pub fn is_hint(text: &str) -> bool {
    text.len() <= LONGEST && !text.chars().any(char::is_control)
}

/// Whether a text can name an authentication context class or method: those are listed with spaces between.
#[must_use]
pub fn is_value(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_VALUE && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Reads a list of values with spaces between; `None` for what is no such list.
#[must_use]
pub fn values(text: &str) -> Option<Vec<String>> {
    let values: Vec<_> = text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    (values.len() <= MOST_VALUES && values.iter().all(|value| is_value(value))).then_some(values)
}

/// Whether the name can be that of a parameter which is passed on from a login request.
#[must_use]
pub fn is_extra_parameter(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    // Some read names without case.
    let is_reserved = RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name));
    !name.is_empty() && name.len() <= 64 && name.bytes().all(plain) && !is_reserved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_none_alone_or_a_list_of_known_pages() {
        let table = [
            ("none", Some("none")),
            ("login", Some("login")),
            (" login  consent ", Some("login consent")),
            ("select_account", Some("select_account")),
            ("none login", None),
            ("login none", None),
            ("", None),
            ("NONE", None),
            ("login&x=1", None),
        ];
        for (text, expected) in table {
            assert_eq!(Prompt::read(text).as_ref().map(Prompt::as_str), expected, "{text}");
        }
        assert_eq!(Prompt::read("none"), Some(Prompt::None));
    }

    #[test]
    fn what_the_protocol_owns_is_no_extra_parameter() {
        for name in RESERVED.into_iter().chain(["", "a b", "a=b", "ä", "x&y"]) {
            assert!(!is_extra_parameter(name), "{name}");
        }
        for name in ["kc_idp_hint", "hd", "domain_hint", "screen_hint", "organization"] {
            assert!(is_extra_parameter(name), "{name}");
        }
    }

    #[test]
    fn values_are_few_short_and_plain() {
        assert_eq!(values("2  1").unwrap(), ["2", "1"]);
        assert_eq!(values("").unwrap(), [""; 0]);
        assert!(values(&"a".repeat(LONGEST_VALUE)).is_some() && values(&"a".repeat(LONGEST_VALUE + 1)).is_none());
        assert!(values(&"a ".repeat(MOST_VALUES)).is_some() && values(&"a ".repeat(MOST_VALUES + 1)).is_none());
        assert!(values("a\n").is_none() && values("ä").is_none());
        assert!(is_hint("Ada Löwe") && !is_hint("a\r\nb") && !is_hint(&"a".repeat(LONGEST + 1)));
    }
}
