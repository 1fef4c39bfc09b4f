//! Manual pages: one for every command, in what `man` renders without a complaint.

use std::process::Command;

use crate::support::World;
use crate::support::commands::commands_and_groups;

fn render(page: &std::path::Path) -> String {
    let groff =
        Command::new("groff").args(["-man", "-Tutf8", "-ww", "-rLL=100n", "-P-cbu"]).arg(page).output();
    let output = groff.unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && complaints.is_empty(), "{}: {complaints}", page.display());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_has_a_page_that_anybody_may_read() {
    let world = World::new();
    world.run("man --dir share/man1").ok().says("pages to");
    let folder = world.home().join("share/man1");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut expected: Vec<String> = commands_and_groups()
        .iter()
        .map(|path| format!("autocom {path}").trim_end().replace(' ', "-") + ".1")
        .collect();
    expected.sort();
    assert_eq!(names, expected);
    for name in &names {
        let page = std::fs::read_to_string(folder.join(name)).unwrap();
        for section in [".TH", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH OPTIONS"] {
            assert!(page.contains(section), "no {section} in {name}:\n{page}");
        }
        assert!(!page.contains("__complete"), "{name}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.join("autocom.1")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }
    // The same again, and the first of them without a folder.
    world.run("man --dir share/man1").ok();
    assert_eq!(world.run("man").ok().stdout, std::fs::read_to_string(folder.join("autocom.1")).unwrap());
    let no_folder = world.home().join("share/man1/autocom.1/x");
    world.run(&format!("man --dir {}", no_folder.display())).code(1).says("could not create");
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "needs groff; run by tests/run"]
fn the_pages_render() {
    let world = World::new();
    world.run("man --dir pages").ok();
    for entry in std::fs::read_dir(world.home().join("pages")).unwrap() {
        let path = entry.unwrap().path();
        let text = render(&path);
        assert!(text.contains("SYNOPSIS") && text.lines().count() > 10, "{}:\n{text}", path.display());
    }
    let text = render(&world.home().join("pages/autocom-tenants-use.1"));
    // Examples keep their lines.
    assert!(text.contains("  autocom tenants use acme\n"), "{text}");
}
