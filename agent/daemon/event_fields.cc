#include "agent/daemon/event_fields.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "candor/v1/envelope.pb.h"
#include "common/hash.h"
#include "common/registry.h"

namespace candor {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string MessageText(const Message& message);

// What is unmeasured is named as everywhere else.
std::string NumberText(const FieldDescriptor* field, uint32_t number) {
  if (field->containing_type() == v1::Unmeasured::Item::descriptor()) {
    if (const auto* metric = FindMetric(number); metric != nullptr)
      return std::string(metric->name);
    if (const auto* event = FindEvent(number); event != nullptr) return std::string(event->name);
  }
  return absl::StrCat(number);
}

// `index` is -1 for a field that is no list.
std::string ValueText(const Message& message, const FieldDescriptor* field, int index) {
  const auto* r = message.GetReflection();
  const bool list = index >= 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return absl::StrCat("{",
                          MessageText(list ? r->GetRepeatedMessage(message, field, index)
                                           : r->GetMessage(message, field)),
                          "}");
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text =
          list ? r->GetRepeatedString(message, field, index) : r->GetString(message, field);
      return field->type() == FieldDescriptor::TYPE_BYTES ? ToHex(text) : text;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value =
          list ? r->GetRepeatedEnum(message, field, index) : r->GetEnum(message, field);
      return value->name();
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return (list ? r->GetRepeatedBool(message, field, index) : r->GetBool(message, field)) ? "yes"
                                                                                             : "no";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(list ? r->GetRepeatedInt32(message, field, index)
                               : r->GetInt32(message, field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(list ? r->GetRepeatedInt64(message, field, index)
                               : r->GetInt64(message, field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return NumberText(
          field, list ? r->GetRepeatedUInt32(message, field, index) : r->GetUInt32(message, field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(list ? r->GetRepeatedUInt64(message, field, index)
                               : r->GetUInt64(message, field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return absl::StrCat(list ? r->GetRepeatedDouble(message, field, index)
                               : r->GetDouble(message, field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return absl::StrCat(list ? r->GetRepeatedFloat(message, field, index)
                               : r->GetFloat(message, field));
  }
  return {};
}

std::string MessageText(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  std::vector<std::string> parts;
  for (const FieldDescriptor* field : fields) {
    std::vector<std::string> values;
    if (field->is_repeated()) {
      const int size = message.GetReflection()->FieldSize(message, field);
      for (int i = 0; i < size; ++i) values.push_back(ValueText(message, field, i));
    } else {
      values.push_back(ValueText(message, field, -1));
    }
    parts.push_back(absl::StrCat(field->name(), "=", absl::StrJoin(values, " ")));
  }
  return absl::StrJoin(parts, ", ");
}

}  // namespace

std::string EventFields(const v1::Event& event) {
  const auto* kind = event.GetDescriptor()->FindFieldByNumber(static_cast<int>(event.what_case()));
  if (kind == nullptr) return {};
  return MessageText(event.GetReflection()->GetMessage(event, kind));
}

}  // namespace candor
