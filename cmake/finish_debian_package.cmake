# Run by CPack when all is installed below the staging folder: adds what Debian's policy asks of a package.

set(usr "${CPACK_TEMPORARY_DIRECTORY}/usr")
set(doc "${usr}/share/doc/windowd")
set(overrides "${usr}/share/lintian/overrides")

# Not file(INSTALL): it would put DESTDIR, which is still set, before the path.
function(add file destination)
    file(COPY_FILE "${CPACK_WINDOWD_DEBIAN}/${file}" "${destination}")
    file(CHMOD "${destination}" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()

function(compress file)
    execute_process(COMMAND gzip -9nf "${file}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(MAKE_DIRECTORY "${overrides}")
add(lintian-overrides "${overrides}/windowd")
add(copyright "${doc}/copyright")
add(changelog "${doc}/changelog.Debian")
compress("${doc}/changelog.Debian")

file(GLOB pages "${usr}/share/man/man*/*.[1-8]")
foreach(page IN LISTS pages)
    compress("${page}")
endforeach()
