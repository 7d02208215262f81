#include "agent/samplers/responsiveness/app_scopes.h"

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

std::vector<AppGroup> Groups(std::vector<std::tuple<uint64_t, std::string, int64_t>> in) {
  std::vector<AppGroup> groups;
  for (const auto& [id, name, cpu_us] : in) groups.push_back({id, name, {cpu_us, 0, 0}});
  return groups;
}

NamedApplications Named(const std::vector<std::string>& applications) {
  NamedApplications names;
  for (const std::string& application : applications) names.Learn(application, true);
  return names;
}

TEST_CASE("stalls are summed by application, those of unnamed ones as other") {
  NamedApplications names = Named({"firefox"});
  names.Learn("homemade", false);
  AppStalls stalls;
  CHECK(stalls.Update(Groups({{1, "app-gnome-firefox-1.scope", 5'000}}), names).empty());
  const auto sums = stalls.Update(Groups({{1, "app-gnome-firefox-1.scope", 7'000},
                                          {2, "app-gnome-firefox-2.scope", 3'000},
                                          {3, "app-gnome-homemade-3.scope", 4'000},
                                          {4, "vte-spawn-1.scope", 1'000},
                                          {5, "app-gnome-never.looked.up-5.scope", 1'000}}),
                                  names);
  REQUIRE(sums.size() == 2);
  CHECK(sums.at("firefox")[0] == 2 + 3);
  CHECK(sums.at("other")[0] == 4 + 1 + 1);
}

TEST_CASE("each application is looked up once") {
  NamedApplications names;
  const auto groups = Groups({{1, "app-gnome-firefox-1.scope", 0},
                              {2, "app-gnome-firefox-2.scope", 0},
                              {3, "vte-spawn-1.scope", 0},
                              {4, "app-mail@4.service", 0}});
  CHECK(names.Unknown(groups) == std::vector<std::string>{"firefox", "mail"});
  names.Learn("firefox", true);
  names.Learn("mail", false);
  CHECK(names.Unknown(groups).empty());
  CHECK(names.NameOf("app-gnome-firefox-1.scope") == "firefox");
  CHECK(names.NameOf("app-mail@4.service") == "other");
}

TEST_CASE("what is known of applications stays bounded") {
  NamedApplications names;
  for (size_t i = 0; i <= NamedApplications::kKnownMax; ++i) names.Learn(std::to_string(i), true);
  CHECK(names.NameOf("app-0-1.scope") == "other");
  CHECK(names.NameOf("app-" + std::to_string(NamedApplications::kKnownMax) + "-1.scope") ==
        std::to_string(NamedApplications::kKnownMax));
}

TEST_CASE("a group that went and another with the same name are not mixed up") {
  const NamedApplications names = Named({"a"});
  AppStalls stalls;
  stalls.Update({}, names);
  CHECK(stalls.Update(Groups({{1, "app-a-1.scope", 9'000}}), names).at("a")[0] == 9);
  CHECK(stalls.Update(Groups({{2, "app-a-1.scope", 2'000}}), names).at("a")[0] == 2);
}

TEST_CASE("too many applications at once are told as other") {
  NamedApplications names;
  AppStalls stalls;
  stalls.Update({}, names);
  std::vector<AppGroup> many;
  for (uint64_t i = 0; i < kAppNamesMax + 10; ++i) {
    many.push_back({i + 1, "app-x" + std::to_string(i) + "-1.scope", {1'000, 0, 0}});
    names.Learn("x" + std::to_string(i), true);
  }
  const auto sums = stalls.Update(many, names);
  CHECK(sums.size() <= kAppNamesMax + 1);
  int64_t total = 0;
  for (const auto& [name, ms] : sums) total += ms[0];
  CHECK(total == static_cast<int64_t>(many.size()));
  CHECK(sums.at("other")[0] == static_cast<int64_t>(many.size() - kAppNamesMax));
}

class Tree {
 public:
  void Write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = folder_.File(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  void Group(const std::string& user, const std::string& name, int64_t total) const {
    for (const std::string kind : {"cpu", "memory", "io"}) {
      Write("fs/cgroup/user.slice/user-" + user + ".slice/user@" + user + ".service/app.slice/" +
                name + "/" + kind + ".pressure",
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=" + std::to_string(total) + "\n");
    }
  }
  const std::string& path() const { return folder_.path(); }

 private:
  testing::TempFolder folder_;
};

TEST_CASE("the groups of every session are read") {
  Tree sys;
  sys.Write("fs/cgroup/cgroup.controllers", "cpu io memory\n");
  sys.Group("1000", "app-gnome-firefox-1.scope", 11);
  sys.Group("1000", "app-mail@2.service", 12);
  sys.Group("1001", "app-gnome-firefox-9.scope", 13);
  sys.Write("fs/cgroup/user.slice/user-1000.slice/session-2.scope/cpu.pressure", "some total=1\n");
  auto groups = ReadAppGroups(sys.path());
  REQUIRE_OK(groups);
  REQUIRE(groups->size() == 3);
  int64_t total = 0;
  for (const AppGroup& group : *groups) {
    CHECK(group.id != 0);
    total += group.totals_us[0];
  }
  CHECK(total == 36);
}

TEST_CASE("where there can be no application groups the reason is told") {
  Tree sys;
  CHECK(ReadAppGroups(sys.path()).status().message().find("version 2") != absl::string_view::npos);
  sys.Write("fs/cgroup/cgroup.controllers", "cpu\n");
  CHECK(ReadAppGroups(sys.path()).status().message().find("app.slice") != absl::string_view::npos);
  sys.Write("fs/cgroup/user.slice/user-1.slice/user@1.service/app.slice/app-a-1.scope/x", "");
  CHECK(ReadAppGroups(sys.path()).status().message().find("pressure") != absl::string_view::npos);
}

TEST_CASE("flatpak's and snap's applications are known by what they export") {
  Tree root;
  root.Write("var/lib/flatpak/exports/share/applications/org.gimp.GIMP.desktop", "");
  root.Write("var/lib/snapd/desktop/applications/spotify_spotify.desktop", "");
  const std::string var = root.path() + "/var";
  CHECK(IsSandboxedApplication(var, "org.gimp.GIMP"));
  CHECK(IsSandboxedApplication(var, "spotify"));
  CHECK_FALSE(IsSandboxedApplication(var, "homemade"));
  CHECK_FALSE(IsSandboxedApplication(var, "spot"));
}

}  // namespace
}  // namespace candor
