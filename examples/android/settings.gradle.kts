pluginManagement {
    repositories {
        google()
        mavenCentral()
    }
}

dependencyResolutionManagement {
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "veravox-sample"
include(":app")
// The library from this repository; an app of one's own names io.github.veravox:veravox-android among its dependencies alone.
includeBuild("../../bindings/mobile/android") {
    dependencySubstitution {
        substitute(module("io.github.veravox:veravox-android")).using(project(":"))
    }
}
