# Debian packages as store paths: the files of each, with its programs and libraries bound to those of the others.
# packages.json is written by build.py: { NAME = { name, manifest = "SOURCE TARGET" lines, needs = [ NAME ], }; }.
let
  specifications = builtins.fromJSON (builtins.readFile ./packages.json);
  make = attributes: derivation ({
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ ./install.sh ];
    PATH = "/usr/bin:/bin";
  } // attributes);
  packages = builtins.mapAttrs (_: specification: make {
    inherit (specification) name manifest;
    libraries = map (name: packages.${name}) specification.needs;
  }) specifications;
in
make {
  name = "rehearsal-environment";
  manifest = "";
  programs = builtins.attrValues packages;
}
