//! Lockstep as a network stack for Google's packetdrill, the reference interpreter of the script language.
//!
//! packetdrill can run its scripts against a shared object instead of the kernel. This is one, so that whoever has
//! packetdrill can check Lockstep with it, any script, in virtual time and without root:
//!
//! ```console
//! $ cargo build --release -p lockstep-conformance --example lockstep_packetdrill
//! $ cd conformance/examples/packetdrill
//! $ cc -shared -fPIC -I .../packetdrill -o lockstep.so interface.c -L ../../../target/release/examples -llockstep_packetdrill
//! $ packetdrill --so_filename=./lockstep.so --so_flags=local=192.168.0.1/16,gateway=192.168.0.2 script.pkt
//! ```
//!
//! [`abi`] is the interface in C, [`convert`] its types, [`plug`] the stack behind it, [`flags`] what `--so_flags` says.

#![allow(unsafe_code)] // A C interface is made of pointers; all of that is in `abi` and `convert`.

mod abi;
mod convert;
mod flags;
mod plug;
