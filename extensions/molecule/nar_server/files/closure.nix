# Two paths, one referring to the other: built here, so the cache vouches for them.
let
  build = name: script: derivation {
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" script ];
    PATH = "/usr/bin:/bin";
  };
  library = build "library" "mkdir $out && echo library > $out/a";
in build "program" "mkdir $out && echo ${library} > $out/needs && ln -s needs $out/link"
