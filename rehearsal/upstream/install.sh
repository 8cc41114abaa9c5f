# shellcheck shell=sh
# The builder of packages.nix: copies what $manifest lists to $out, and binds programs and libraries to store paths.
set -eu
# shellcheck disable=SC2154 # Nix sets the variables of the derivation.
mkdir -p "$out"
# shellcheck disable=SC2154 # as above
echo "$manifest" | while read -r source target; do
  [ -n "$source" ] || continue
  mkdir -p "$(dirname "$out/$target")"
  cp --no-dereference --preserve=mode "$source" "$out/$target"
done

# The C library comes first of all, and is bound to nothing.
search="$out/lib"
loader=
for library in ${libraries-}; do
  search="$search:$library/lib"
  for candidate in "$library"/lib/ld-linux*.so.*; do
    if [ -e "$candidate" ]; then loader=$candidate; fi
  done
done
if [ -n "$loader" ]; then
  find "$out" -type f | while read -r file; do
    if [ -n "$(patchelf --print-needed "$file" 2>/dev/null)" ]; then
      chmod u+w "$file"
      patchelf --set-rpath "$search" "$file"
      if patchelf --print-interpreter "$file" >/dev/null 2>&1; then patchelf --set-interpreter "$loader" "$file"; fi
    fi
  done
fi

# The environment has no files of its own, only links to everybody's programs.
for program in ${programs-}; do
  for file in "$program"/bin/*; do
    if [ -e "$file" ]; then mkdir -p "$out/bin" && ln -s "$file" "$out/bin/"; fi
  done
done
