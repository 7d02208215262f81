#include "tools/loadgen/catalogue.h"

namespace candor::loadgen {
namespace {

constexpr std::array<std::string_view, 7> kDepartments = {
    "Engineering", "Sales", "Support", "Finance", "Operations", "People", "Legal"};

// name, UTC offset, rtt, dns, loss, offline
constexpr auto kSites = std::to_array<Site>({
    {"Hamburg", 60, 22, 14, 0.0008, 0.0008},
    {"Porto", 0, 34, 18, 0.0012, 0.0012},
    {"Pune", 330, 58, 26, 0.0020, 0.0020},
    {"Montreal", -300, 30, 16, 0.0010, 0.0010},
    {"Lyon", 60, 210, 120, 0.0450, 0.0500},  // bad Wi-Fi
});

// name, boot, io stall, ui reply, disk, battery
constexpr auto kModels = std::to_array<Model>({
    {"Meridian 14", 21, 0.006, 45, 476, true},
    {"Corva 13", 26, 0.009, 55, 238, true},
    {"Alder X1", 18, 0.005, 38, 953, true},
    {"Fathom Station", 24, 0.007, 42, 953, false},
    {"Meridian 14 G2", 27, 0.300, 190, 476, true},  // its disk stalls
    {"Corva 11", 140, 0.011, 70, 119, true},        // boots in 140 s
});

constexpr auto kSystems = std::to_array<System>({
    {"Debian 12", "6.1.0-25-amd64", "6.1.0-28-amd64"},
    {"Ubuntu 24.04", "6.8.0-45-generic", "6.8.0-49-generic"},
    {"Fedora 41", "6.11.4-301.fc41.x86_64", "6.11.8-300.fc41.x86_64"},
});

constexpr auto kApplications = std::to_array<Application>({
    {"harbour-browser", "128.4.0", 0.040},
    {"folio-writer", "24.2.7", 0.030},
    {"parley-call", "3.18.2", 0.025},
    {"gridsheet", "24.2.7", 0.020},
});

constexpr std::array<std::string_view, 3> kServices = {"calls", "intranet", "mail"};

constexpr auto kTroubles = std::to_array<Trouble>({
    {"a site with bad Wi-Fi", "network --by location", "location", "Lyon"},
    {"an application version that crashes", "crashes", "version", kTroubledVersion},
    {"a model whose disk stalls", "health --by model", "model", "Meridian 14 G2"},
    {"a model that boots in 140 s", "boots --by model", "model", "Corva 11"},
});

using Slots = std::array<uint8_t, kSlots>;
constexpr Slots kDepartmentSlots = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 6};
constexpr Slots kSiteSlots = {0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4};
constexpr Slots kModelSlots = {0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 4, 5, 5};
constexpr Slots kSystemSlots = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2};

}  // namespace

std::span<const std::string_view> Departments() { return kDepartments; }
std::span<const Site> Sites() { return kSites; }
std::span<const Model> Models() { return kModels; }
std::span<const System> Systems() { return kSystems; }
std::span<const Application> Applications() { return kApplications; }
std::span<const std::string_view> Services() { return kServices; }
std::span<const Trouble> Troubles() { return kTroubles; }

uint32_t DepartmentAt(uint32_t slot) { return kDepartmentSlots[slot % kSlots]; }
uint32_t SiteAt(uint32_t slot) { return kSiteSlots[slot % kSlots]; }
uint32_t ModelAt(uint32_t slot) { return kModelSlots[slot % kSlots]; }
uint32_t SystemAt(uint32_t slot) { return kSystemSlots[slot % kSlots]; }

}  // namespace candor::loadgen
