use clap::Args;

use super::super::Done;
use crate::commands::verb::{Invocation, Verb};
use crate::config::{EditTarget, Facts, Resolved};
use crate::domain::{Key, ProfileName, Tenant, autocom, shell_word};
use crate::error::{Error, Result};
use crate::session::answers::tenants;
use crate::session::context::Context;
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

impl Verb for Use {
    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let tenant: Tenant =
            self.slug.parse().map_err(|why| Error::usage(format!("the tenant `{}` {why}", self.slug)))?;
        // The platform is asked first, and what the question was decided on must still be so afterwards.
        let asked = if self.no_check { None } else { Some(self.ask(context, &tenant)?) };
        let context = &config_file::lock_config(context)?;
        let name = match asked {
            Some((name, facts)) => {
                let again = autocom("tenants use").value(&tenant).option("--profile", &name);
                context.check_facts(&facts, &again)?;
                name
            }
            None => self.decide(context, &tenant)?.1,
        };
        let target = EditTarget::new(&name);
        config_file::change_config(context, |edit| Ok(edit.set(&target, Key::Tenant, tenant.as_str())?))?;
        context.reporter().progress(format!("profile {name} works in tenant {tenant}"));
        switch::mention_overrides(context, &target, Key::Tenant);
        Ok(Done::nothing())
    }
}

impl Use {
    /// Whether the platform lets the user into the tenant, and what of the profile that hangs on.
    fn ask(&self, context: &Context, tenant: &Tenant) -> Result<(ProfileName, Facts)> {
        let (profile, name) = self.decide(context, tenant)?;
        let facts = Facts::new(context.config()?, &name, &[Key::Credential, Key::ExpectUser]);
        tenants::check_tenant(context, &profile, tenant)?;
        Ok((name, facts))
    }

    /// The profile that the tenant is written to.
    fn decide(&self, context: &Context, tenant: &Tenant) -> Result<(Resolved, ProfileName)> {
        let profile = selected::profile(context)?;
        expectation::meet_tenant(context, Some(tenant), "the command line")
            .map_err(|error| error.hint(autocom("tenants list")))?;
        let named = profile.name().filter(|_| !profile.selection.only_in_variables);
        let Some(name) = named.cloned() else {
            let url = profile.api_url.as_ref().map_or("URL", |url| url.value.as_str());
            let (url, tenant) = (shell_word(url), shell_word(tenant));
            return Err(Error::usage("this environment has no profile that the tenant could be written to")
                .hint(autocom("profiles set NAME").setting("api_url", url).setting("tenant", tenant)));
        };
        // The platform that is asked must be the one that the profile will send it to.
        let (own, url) = (profile.own_api_url.as_ref(), profile.api_url.as_ref().map(|url| &url.value));
        if let (Some(own), Some(url)) = (own, url)
            && own != url
        {
            return Err(Error::usage(format!("profile {name} is bound to {own}, not to {url}"))
                .hint(autocom("tenants use").value(tenant).option("--profile", name)));
        }
        Ok((profile, name))
    }
}
