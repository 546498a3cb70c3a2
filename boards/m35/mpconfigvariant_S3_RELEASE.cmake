# For the field: no prompt, and the firmware starts before any file is looked at.

include(${CMAKE_CURRENT_LIST_DIR}/mpconfigvariant_S3.cmake)
reader_release()
