use clap::Args;

use super::super::Done;
use crate::config::{EditTarget, Facts, Resolved};
use crate::domain::{Key, ProfileName, Tenant, shell_word};
use crate::error::{Error, Result};
use crate::session::answers::tenants;
use crate::session::context::Session;
use crate::session::profile::{config_file, expectation, selected, switch};

/// Make a tenant the one that the selected profile works in
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  autocom tenants use acme
  autocom -p staging tenants use acme-corp      an alias, which no list mentions
  autocom tenants use acme --no-check           without asking the platform")]
pub struct Use {
    /// The tenant's id, or an alias of it
    #[arg(value_name = "SLUG")]
    slug: String,
    /// Don't ask the platform whether you are in that tenant
    #[arg(long)]
    no_check: bool,
}

impl Use {
    pub fn run(self, session: &Session) -> Result<Done> {
        let tenant: Tenant =
            self.slug.parse().map_err(|why| Error::usage(format!("the tenant `{}` {why}", self.slug)))?;
        // The platform is asked first, and what the question was decided on must still be so afterwards.
        let asked = if self.no_check { None } else { Some(self.ask(session, &tenant)?) };
        let session = &config_file::lock_config(session)?;
        let name = match asked {
            Some((name, facts)) => {
                let again = format!("autocom tenants use {} --profile {name}", shell_word(&tenant));
                session.check_facts(&facts, &again)?;
                name
            }
            None => self.decide(session, &tenant)?.1,
        };
        let target = EditTarget::of(&name);
        config_file::change_config(session, |edit| Ok(edit.set(&target, Key::Tenant, tenant.as_str())?))?;
        session.notices().progress(format!("profile {name} works in tenant {tenant}"));
        switch::mention_overrides(session, &target, Key::Tenant);
        Ok(Done::nothing())
    }

    /// Whether the platform lets the user into the tenant, and what of the profile that hangs on.
    fn ask(&self, session: &Session, tenant: &Tenant) -> Result<(ProfileName, Facts)> {
        let (profile, name) = self.decide(session, tenant)?;
        let facts = Facts::of(session.config()?, &name, &[Key::Credential, Key::ExpectUser]);
        tenants::check_tenant(session, &profile, tenant)?;
        Ok((name, facts))
    }

    /// The profile that the tenant is written to.
    fn decide(&self, session: &Session, tenant: &Tenant) -> Result<(Resolved, ProfileName)> {
        let profile = selected::profile(session)?;
        expectation::meet_tenant(session, Some(tenant), "the command line")
            .map_err(|error| error.hint("autocom tenants list"))?;
        let named = profile.name().filter(|_| !profile.selection.only_in_variables);
        let Some(name) = named.cloned() else {
            let url = profile.api_url.as_ref().map_or("URL", |url| url.value.as_str());
            let (url, tenant) = (shell_word(url), shell_word(tenant));
            return Err(Error::usage("this environment has no profile that the tenant could be written to")
                .hint(format!("autocom profiles set NAME api_url={url} tenant={tenant}")));
        };
        // The platform that is asked must be the one that the profile will send it to.
        let (own, url) = (profile.own_api_url.as_ref(), profile.api_url.as_ref().map(|url| &url.value));
        if let (Some(own), Some(url)) = (own, url)
            && own != url
        {
            return Err(Error::usage(format!("profile {name} is bound to {own}, not to {url}"))
                .hint(format!("autocom tenants use {} --profile {name}", shell_word(tenant))));
        }
        Ok((profile, name))
    }
}
