# cmake -DOUT=models.cc -DFILES=a.toml;b.toml -P embed.cmake
#
# Writes the model files as bytes into a C++ source, as a list of (name, text).
set(arrays "")
set(rows "")
set(at 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME_WLE)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  # One line of source for each line of the model.
  string(REPLACE "'\\x0a'," "'\\x0a',\n" bytes "${bytes}")
  string(APPEND arrays "constexpr char kText${at}[] = {\n${bytes}};\n")
  string(APPEND rows "    {\"${name}\", {kText${at}, sizeof(kText${at})}},\n")
  math(EXPR at "${at} + 1")
endforeach()
file(WRITE ${OUT}
"#include \"collector/score/embedded_models.h\"

namespace candor {
namespace {
${arrays}
constexpr EmbeddedModel kModels[] = {
${rows}};
}  // namespace

std::span<const EmbeddedModel> EmbeddedModels() { return kModels; }
}  // namespace candor
")
