plugins {
    id("com.android.library") version "8.13.0"
    id("org.jetbrains.kotlin.android") version "2.3.21"
}

group = "io.github.veravox"
version = "0.1.0"

android {
    namespace = "io.github.veravox"
    compileSdk = 36

    defaultConfig {
        minSdk = 28
        consumerProguardFiles("consumer-rules.pro")
    }

    sourceSets.named("main") {
        // The same sources as on the JVM, and what build-native.sh made.
        kotlin.srcDirs("../kotlin/src/main/kotlin", "../kotlin/src/generated/kotlin")
        jniLibs.srcDir("build/jniLibs")
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }
}

kotlin {
    explicitApi()
    compilerOptions {
        jvmTarget = org.jetbrains.kotlin.gradle.dsl.JvmTarget.JVM_11
    }
}

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.11.0")
    implementation("net.java.dev.jna:jna:5.19.1@aar")
}

val nativeLibraries by tasks.registering(Exec::class) {
    commandLine("./build-native.sh")
}

tasks.named("preBuild") { dependsOn(nativeLibraries) }
