//! The stack behind packetdrill's plug-in interface, driven by a program in C as packetdrill would.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockstep_conformance::namespace::require;

/// A C compiler.
const CC: &str = "cc";

#[test]
fn a_program_in_c_drives_the_stack_in_virtual_time() {
    if let Err(error) = Command::new(CC).arg("--version").output() {
        return require::skip(CC, error).expect("nobody demands it");
    }
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin");
    fs::create_dir_all(&scratch).expect("the target directory can be written");
    fs::write(scratch.join("packetdrill.h"), another_order()).expect("the target directory can be written");
    let (plugin, driver) = (scratch.join("lockstep.so"), scratch.join("driver"));
    let library = library();
    compile(&scratch, "interface.c", &plugin, &["-shared", "-fPIC", library.to_str().expect("a path in UTF-8")]);
    compile(&scratch, "driver.c", &driver, &["-pthread", "-ldl"]);
    let drive = |flags| Command::new(&driver).arg(&plugin).arg(flags).output().expect("the driver starts");

    let output = drive("local=192.0.2.1/24,gateway=192.0.2.2");
    let (told, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}{complaint}");
    insta::assert_snapshot!(told, @r"
    handshake: flags 12 ack 1 and 0 octets after 0 us
    accepted from 192.0.2.2:40000
    acknowledgment: flags 10 ack 6 and 0 octets after 0 us
    5 octets wait, 5 are read: hello
    text: flags 18 ack 6 and 7 octets after 0 us
    tcpi_state 1 tcpi_unacked 0
    14400 s of sleep
    end: flags 11 ack 6 and 0 octets after 14400000000 us
    done
    ");

    for flags in ["local=192.0.2.1/33", "mtu=1", "moon=full", "net.ipv4.tcp_nonsense=1", "mtu"] {
        let output = drive(flags);
        assert_eq!(output.status.code(), Some(1), "{flags}");
        assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 1, "{flags}");
    }
}

/// The interface as another packetdrill may have it: the same members, the last one first.
fn another_order() -> String {
    let ours = fs::read_to_string(folder().join("lockstep_packetdrill.h")).expect("our header");
    let (before, rest) = ours.split_once("struct lockstep_packetdrill_interface {").expect("the structure");
    let (members, _) = rest.split_once("};").expect("its end");
    let includes: String =
        before.lines().filter(|line| line.starts_with("#include")).map(|line| format!("{line}\n")).collect();
    let members: String = members.split_inclusive(';').rev().collect();
    format!(
        "{includes}struct packetdrill_interface {{ {members} }};\n\
         typedef void (*packetdrill_interface_init_t)(const char *flags, struct packetdrill_interface *interface);\n"
    )
}

fn compile(scratch: &Path, source: &str, into: &Path, flags: &[&str]) {
    let source = folder().join(source);
    let mut command = Command::new(CC);
    command.args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I"]).arg(scratch).arg("-o").arg(into).arg(&source);
    let output = command.args(flags).output().expect("the compiler starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/packetdrill")
}

/// The example, which Cargo builds with the tests and puts beside them.
fn library() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.ancestors().nth(2).expect("two folders above");
    let library = profile.join("examples/liblockstep_packetdrill.so");
    assert!(library.is_file(), "{} is not built: run all tests of the package, or its example", library.display());
    library
}
