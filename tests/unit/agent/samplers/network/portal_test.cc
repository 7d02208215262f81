#include "agent/samplers/network/portal.h"

#include <string>

#include "tests/support/catch.h"

namespace candor {
namespace {

using J = HttpJudgement;

constexpr char kHost[] = "check.example.org";

J Judge(const std::string& answer, bool whole = true) {
  return JudgeHttpAnswer(answer, whole, kHost, "candor-ok");
}

std::string Page(const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 200 OK\r\n" + headers + "\r\n" + body;
}

std::string Redirect(const std::string& location, int status = 302) {
  return "HTTP/1.1 " + std::to_string(status) + " Found\r\nlocation:  " + location + " \r\n\r\n";
}

TEST_CASE("the page that the operator named is the service's own") {
  CHECK(Judge(Page("candor-ok\n")) == J::kExpected);
  CHECK(Judge(Page("candor-ok"), false) == J::kExpected);
  CHECK(Judge(Page("9\r\ncandor-ok\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n")) ==
        J::kExpected);
}

TEST_CASE("a page without what is expected is foreign once it is all there") {
  const std::string page = Page("<h1>Welcome, please sign in</h1>");
  CHECK(Judge(page) == J::kForeign);
  CHECK(Judge(page, false) == J::kUnclear);
  CHECK(Judge(Page("Welcome", "Content-Length: 7\r\n"), false) == J::kForeign);
  CHECK(Judge(Page("Welc", "Content-Length: 7\r\n"), false) == J::kUnclear);
  // In the headers it does not count.
  CHECK(Judge(Page("Welcome", "X-Echo: candor-ok\r\n")) == J::kForeign);
}

TEST_CASE("a redirect to another host is foreign, one on the same host is not") {
  for (const int status : {301, 302, 303, 307, 308}) {
    CHECK(Judge(Redirect("http://portal.hotel.example/login", status)) == J::kForeign);
    CHECK(Judge(Redirect("https://CHECK.example.org:8443/ok", status)) == J::kUnclear);
  }
  CHECK(Judge(Redirect("//192.0.2.1/")) == J::kForeign);
  CHECK(Judge(Redirect("http://user@192.0.2.1:8080")) == J::kForeign);
  CHECK(Judge(Redirect("http://[fd00::1]:80/")) == J::kForeign);
  CHECK(Judge(Redirect("/elsewhere?to=http://portal.example")) == J::kUnclear);
  CHECK(Judge("HTTP/1.1 304 Not Modified\r\nLocation: http://portal.example/\r\n\r\n") ==
        J::kUnclear);
}

TEST_CASE("a network that says so itself is believed") {
  CHECK(Judge("HTTP/1.1 511 Network Authentication Required\r\n\r\n") == J::kForeign);
}

TEST_CASE("a service that fails is no portal, and neither is what is no HTTP") {
  CHECK(Judge("HTTP/1.1 503 Service Unavailable\r\n\r\nsorry") == J::kUnclear);
  CHECK(Judge("HTTP/1.1 404 Not Found\r\n\r\n") == J::kUnclear);
  CHECK(Judge("") == J::kUnclear);
  CHECK(Judge("220 mail.example.org ESMTP\r\n\r\n") == J::kUnclear);
  CHECK(Judge("HTTP/1.1 2x0 OK\r\n\r\n") == J::kUnclear);
  CHECK(Judge("HTTP/1.1 302 Found\r\n\r\n") == J::kUnclear);
}

TEST_CASE("an answer cut anywhere is never taken for a portal's") {
  const std::string own = Page("candor-ok", "Content-Length: 9\r\n");
  for (size_t size = 0; size < own.size(); ++size) {
    INFO(size);
    CHECK(Judge(own.substr(0, size), false) == J::kUnclear);
  }
  const std::string redirect = Redirect("http://portal.hotel.example/login");
  for (size_t size = 0; size < redirect.size(); ++size) {
    INFO(size);
    CHECK(Judge(redirect.substr(0, size)) == J::kUnclear);
  }
}

}  // namespace
}  // namespace candor
