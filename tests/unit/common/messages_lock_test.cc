// The wire's messages against proto/candor/v1/messages.lock: what was released once keeps its
// number, name and type for ever.
#include <google/protobuf/descriptor.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "candor/v1/admin.pb.h"
#include "candor/v1/enrollment.pb.h"
#include "candor/v1/envelope.pb.h"
#include "candor/v1/ingest.pb.h"
#include "candor/v1/local.pb.h"
#include "candor/v1/query.pb.h"
#include "tests/support/catch.h"
#include "tests/unit/common/locked_lines.h"

namespace candor {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

std::string TypeOf(const FieldDescriptor& field) {
  std::string type = field.is_repeated() ? "repeated " : field.has_presence() ? "optional " : "";
  if (field.message_type() != nullptr) return type + field.message_type()->full_name();
  if (field.enum_type() != nullptr) return type + field.enum_type()->full_name();
  return type + field.type_name();
}

void AddEnum(const EnumDescriptor& of, std::set<std::string>& lines) {
  for (int i = 0; i < of.value_count(); ++i) {
    lines.insert("value " + of.full_name() + " " + std::to_string(of.value(i)->number()) + " " +
                 of.value(i)->name());
  }
}

void AddMessage(const Descriptor& of, std::set<std::string>& lines) {
  for (int i = 0; i < of.field_count(); ++i) {
    const FieldDescriptor& field = *of.field(i);
    lines.insert("field " + of.full_name() + " " + std::to_string(field.number()) + " " +
                 field.name() + " " + TypeOf(field));
  }
  for (int i = 0; i < of.enum_type_count(); ++i) AddEnum(*of.enum_type(i), lines);
  for (int i = 0; i < of.nested_type_count(); ++i) AddMessage(*of.nested_type(i), lines);
}

std::set<std::string> LinesOfTheWire() {
  std::set<std::string> lines;
  for (const FileDescriptor* file :
       {v1::Event::descriptor()->file(), v1::AgentMessage::descriptor()->file(),
        v1::EnrollRequest::descriptor()->file(), v1::QueryRequest::descriptor()->file(),
        v1::CreateTokenRequest::descriptor()->file(), v1::ToUplink::descriptor()->file()}) {
    for (int i = 0; i < file->message_type_count(); ++i) AddMessage(*file->message_type(i), lines);
    for (int i = 0; i < file->enum_type_count(); ++i) AddEnum(*file->enum_type(i), lines);
  }
  return lines;
}

constexpr std::string_view kRetired = "retired ";

// "field candor.v1.Boot 3", "value candor.v1.PushDone.Outcome 1"
std::string PlaceOf(const std::string& line) {
  std::istringstream words(line.starts_with(kRetired) ? line.substr(kRetired.size()) : line);
  std::string kind;
  std::string owner;
  std::string number;
  words >> kind >> owner >> number;
  return kind + " " + owner + " " + number;
}

}  // namespace

TEST_CASE("every field and enum value that was released keeps number, name and type") {
  const std::set<std::string> wire = LinesOfTheWire();
  const std::vector<std::string> locked = testing::LockedLines("messages.lock");
  REQUIRE(locked.size() > 100);
  std::set<std::string> places;
  for (const std::string& line : locked) {
    INFO(line);
    REQUIRE(places.insert(PlaceOf(line)).second);
    if (!line.starts_with(kRetired)) REQUIRE(wire.contains(line));
  }
}

TEST_CASE("what is retired is gone, and nothing else has its number") {
  std::set<std::string> used;
  for (const std::string& line : LinesOfTheWire()) used.insert(PlaceOf(line));
  for (const std::string& line : testing::LockedLines("messages.lock")) {
    INFO(line);
    if (line.starts_with(kRetired)) REQUIRE_FALSE(used.contains(PlaceOf(line)));
  }
}

TEST_CASE("every field and enum value of the wire is in messages.lock") {
  const std::vector<std::string> locked = testing::LockedLines("messages.lock");
  const std::set<std::string> known(locked.begin(), locked.end());
  std::string missing;
  for (const std::string& line : LinesOfTheWire()) {
    if (!known.contains(line)) missing += line + "\n";
  }
  INFO("add to proto/candor/v1/messages.lock:\n" << missing);
  REQUIRE(missing.empty());
}

}  // namespace candor
